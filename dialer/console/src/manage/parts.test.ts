import { expect, test } from 'vitest'
import { basicsOf, dispositionsOf, inboundOf, newDisposition, segmentsOf, timesOf, withBasics, withDispositions, withInbound, withSegments, withTimes } from './parts'
import type { Campaign } from './texts'

const campaign = {
  id: 'spring', name: 'Spring', trunks: 'line', caller_ids: ['+48221110000', '+48221110001'], lists: ['web'], detection: 'with', recording: 'announce', version: 3,
  safe_harbor: 'safe-harbor', voicemail: '', sticky_operator: true, manual_dial: true, priority: 'cp', nth_new: 5, script: '# A',
  segments: [{ name: 'hot', filter: 'cp > 3', priority: 'pi', weight: 2, objections: '! no time' }, { name: 'cold', filter: '', priority: '', weight: 1, objections: '' }],
  windows: [{ days: [1, 2], from: '09:00', to: '17:30' }], caps: [{ n: 3, period: 24 * 3600e9 }],
  retry: [{ outcome: 'busy', after: 600e9, max: 3, next: false, shift: true, bad_number: false, do_not_call: false }],
  inbound: { numbers: ['+48221110009'], max_wait: 90e9, max_waiting: 4, announcement: 'welcome', music: '', put_off: '', unknown: 'take' },
  callbacks: { wait: false, grace: 900e9 }, wrap: { timeout: 60e9, default: 'no_decision' },
  dispositions: [
    { code: 'sale', label: 'Sale', digit: '1', nobody: false, effect: { final: true, do_not_call: false, callback: false, bad_number: false, retry_after: 0, stage: 'retain', progress: 100, temperature: 'hot', pi: 5, move_to: '' } },
    { code: 'later', label: '', digit: '', nobody: true, effect: { final: false, do_not_call: false, callback: false, bad_number: true, retry_after: 7200e9, stage: '', progress: 0, temperature: '', move_to: '' } },
  ],
} as unknown as Campaign

test('parts that are not changed leave a campaign as it is', () => {
  expect(withBasics(campaign, basicsOf(campaign))).toEqual(campaign)
  expect(withSegments(campaign, segmentsOf(campaign))).toEqual(campaign)
  expect(withInbound(campaign, inboundOf(campaign))).toEqual(campaign)
  expect(withTimes(campaign, timesOf(campaign))).toEqual(campaign)
  expect(withDispositions(campaign, dispositionsOf(campaign))).toEqual(campaign)
})

test('objections go with their segment, whatever it is called and wherever it stands', () => {
  const mine = segmentsOf(campaign)
  mine.rows.reverse()
  mine.rows.push({ was: '', name: ' new ', filter: ' pi > 1 ', priority: '', weight: 1 })
  mine.rows[1]!.name = 'warm'
  expect(withSegments(campaign, mine).segments).toEqual([
    { name: 'cold', filter: '', priority: '', weight: 1, objections: '' },
    { name: 'warm', filter: 'cp > 3', priority: 'pi', weight: 2, objections: '! no time' },
    { name: 'new', filter: 'pi > 1', priority: '', weight: 1, objections: '' },
  ])
})

test.each([
  ['do_not_call', { final: true, do_not_call: true, callback: false, retry_after: 0, move_to: '' }],
  ['callback', { final: false, do_not_call: false, callback: true, retry_after: 0, move_to: '' }],
  ['move', { final: false, do_not_call: false, callback: false, retry_after: 0, move_to: 'autumn' }],
  ['retry', { final: false, do_not_call: false, callback: false, retry_after: 5400e9, move_to: '' }],
] as const)('a disposition with the effect %s', (fate, effect) => {
  const row = { ...newDisposition(), code: 'x', fate, hours: 1.5, move_to: 'autumn' }
  const made = withDispositions(campaign, [row])
  expect(made.dispositions?.[0]?.effect).toMatchObject(effect)
  expect(dispositionsOf(made)[0]).toMatchObject({ fate })
})

test('caller IDs are one a line, or with commas between them', () => {
  const mine = { ...basicsOf(campaign), callers: ' +48221110000,\n\n+48221110002 ' }
  expect(withBasics(campaign, mine).caller_ids).toEqual(['+48221110000', '+48221110002'])
})

test('nobody calls a campaign that is switched off, and how it was stays for another time', () => {
  const off = withInbound(campaign, { ...inboundOf(campaign), taken: false })
  expect(off.inbound).toEqual({ ...campaign.inbound, numbers: [] })
  expect(inboundOf(off)).toEqual({ ...inboundOf(campaign), taken: false, numbers: '' })
})

test('a campaign that nobody calls stands with the usual bounds', () => {
  const mine = inboundOf({ ...campaign, inbound: undefined })
  expect(mine).toMatchObject({ taken: false, max_wait: 120, max_waiting: 10, unknown: false })
  const on = withInbound(campaign, { ...mine, taken: true, numbers: '+48221110009\n +48221110008' })
  expect(on.inbound).toMatchObject({ numbers: ['+48221110009', '+48221110008'], max_wait: 120e9, max_waiting: 10, unknown: 'refuse' })
})
