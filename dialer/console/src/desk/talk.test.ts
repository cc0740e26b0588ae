import { expect, test } from 'vitest'
import type { View } from './desk.svelte'
import { lineTrouble, takenBack } from './labels'
import { dialled, mayDo, standing } from './talk'

const view = (over: object) => ({ state: 'talking', talk: 'bridged', ...over }) as unknown as View
const can = (v: View | undefined) => Object.entries(mayDo(v)).filter(([, may]) => may).map(([what]) => what)

test.each([
  ['nobody is on the line', { state: 'wrapping', talk: undefined }, []],
  ['a plain talk', {}, ['hold', 'machine', 'keys', 'seek']],
  ['with who called us, who is a person', { called_in: { number: '+9997790001' } }, ['hold', 'keys', 'seek']],
  ['on hold', { talk: 'held' }, ['resume', 'seek']],
  ['a third party is called', { talk: 'asking', third: { operator: 'bert' } }, ['hand', 'back']],
  ['with a colleague', { talk: 'consulting', third: { operator: 'bert' } }, ['confer', 'hand', 'back']],
  ['with somebody outside, who may have a menu', { talk: 'consulting', third: { number: '+9997790001' } }, ['keys', 'confer', 'hand', 'back']],
  ['all three', { talk: 'conferring', third: { operator: 'bert' } }, ['keys', 'hand', 'back']],
  ['asked into it', { talk: 'consulting', asked_by: 'anna' }, []],
  ['asked into it, all three', { talk: 'conferring', asked_by: 'anna' }, ['keys']],
])('what can be done: %s', (_, over, want) => expect(can(view(over))).toEqual(want))

test('the talk in words', () => {
  const names = { 'operator/bert': 'Bert Kowal', 'campaign/spring': 'Spring' }
  const since = '2026-03-02T15:04:00Z'
  const words = (over: object) => standing(view(over), names)
  expect(words({})).toBeUndefined()
  expect(words({ talk: 'held', held_since: since })).toEqual({ words: 'The customer is on hold and hears music.', since })
  expect(words({ talk: 'consulting', third: { operator: 'bert', since } })?.words).toMatch(/^Bert Kowal is there/)
  expect(words({ talk: 'asking', third: { campaign: 'spring', since } })?.words).toMatch(/operator of Spring/)
  expect(words({ talk: 'consulting', asked_by: 'cleo' })?.words).toMatch(/^cleo asks you/)
})

test('a number is sent as digits', () => expect(dialled('+48 22 (555) 01-23')).toBe('+48225550123'))

test('why a call went away, in words', () => {
  expect(takenBack('the last call was taken back: a fax answered')).toBe('The last call went away by itself: a fax answered.')
  expect(takenBack('something new')).toMatch(/something new/)
})

test('what follows where a machine answered, in words', () => {
  const message = 'a machine, as you said: the message is being left'
  expect(takenBack(message, true)).toBe('The message is being left on the machine. You are ready.')
  expect(takenBack(message)).toBe('The message is being left on the machine.')
  expect(takenBack('a machine, as you said: the call was ended')).toBe('The machine was hung up on.')
})

test('what is wrong with the line is said in the language of the page, else as the server does', () => {
  expect(lineTrouble("we hear nothing from the customer's carrier")).toBe("We hear nothing from the customer's carrier.")
  expect(lineTrouble('something new')).toBe('something new')
})
