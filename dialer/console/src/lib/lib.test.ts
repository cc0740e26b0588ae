import { expect, test } from 'vitest'
import { at, daysFrom, localDay, span } from './format'
import script from '../../../../campaigns/testdata/script.txt?raw'
import parsed from '../../../../campaigns/testdata/script.json'
import { reason } from './refused'
import { parseScript } from './script'
import { takeEvents } from './sse'

test('a span reads as a clock', () => {
  expect([0, 7, 754, 3723, -3].map(span)).toEqual(['0:00', '0:07', '12:34', '1:02:03', '0:00'])
})

test('a date is that of the customer', () => {
  const late = Date.parse('2026-12-31T20:30:00Z')
  expect(localDay(late, 'Asia/Tokyo')).toBe('2027-01-01')
  expect(localDay(late, 'America/Los_Angeles')).toBe('2026-12-31')
  expect(at(late, 'en', 'Asia/Kolkata')).toBe('02:00')
})

test('days follow one another over a change of clocks and of the year', () => {
  expect(daysFrom('2026-12-30', 3)).toEqual(['2026-12-30', '2026-12-31', '2027-01-01'])
  expect(daysFrom('2026-03-28', 2)).toEqual(['2026-03-28', '2026-03-29'])
})

test('events come in any pieces', () => {
  const text = 'id: 1\nevent: operator\ndata: {"state":"ready"}\n\n: alive\n\nid: 2\nevent: live\ndata: {"a":"x\\n\\ny"}\n\n'
  let rest = ''
  const seen = []
  for (const piece of text.match(/[\s\S]{1,7}/g) ?? []) {
    const taken = takeEvents(rest + piece)
    rest = taken.rest
    seen.push(...taken.events)
  }
  expect(seen).toEqual([{ name: 'operator', data: { state: 'ready' } }, { name: 'live', data: { a: 'x\n\ny' } }])
  expect(rest).toBe('')
})

test('a script is read as the server reads it', () => {
  type Part = { Name: string; Text: string; Answers: { Text: string; Stage: string }[] | null }
  const ours = (part: Part) => ({
    name: part.Name, title: part.Name, text: part.Text, answers: (part.Answers ?? []).map((a) => ({ text: a.Text, stage: a.Stage, title: a.Stage })),
  })
  expect(parseScript(script)).toEqual({ stages: parsed.Stages.map(ours), objections: parsed.Objections.map(ours) })
})

test('the lead is put into a script, and makes no stages in it', () => {
  const text = 'Before.\n\n# Need {product}\n{name}, why {unknown}?\n- for {product} -> Need {product}\n! {name} has no time\nWhen?\n'
  const values = { name: 'Maria\n# Nowak', product: 'fibre' }
  expect(parseScript(text, values)).toEqual({
    stages: [
      { name: '', title: '', text: 'Before.', answers: [] },
      { name: 'Need {product}', title: 'Need fibre', text: 'Maria\n# Nowak, why {unknown}?', answers: [{ text: 'for fibre', stage: 'Need {product}', title: 'Need fibre' }] },
    ],
    objections: [{ name: '{name} has no time', title: 'Maria\n# Nowak has no time', text: 'When?', answers: [] }],
  })
  expect(parseScript('')).toEqual({ stages: [], objections: [] })
})

test('only words of ours say why nobody is signed in', () => {
  expect(['provider_down', 'needs_https', 'Call +1 900', 'constructor', ''].map(reason)).toEqual([
    'refused.provider_down', 'problem.needs_https', 'refused.internal', 'refused.internal', 'refused.internal',
  ])
})
