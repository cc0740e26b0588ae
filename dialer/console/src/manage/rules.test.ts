import { expect, test } from 'vitest'
import { Problem } from '../lib/problem'
import { elsewhere, problemsOf } from './problems'
import { days, period } from './rules'

const hour = 3600e9

test.each([
  [24 * hour, 'en', '1 day'],
  [36 * hour, 'en', '1 day 12 hours'],
  [90 * 60e9, 'en', '1 hour 30 minutes'],
  [2.5e9, 'en', '2.5 seconds'],
  [0, 'en', '0 seconds'],
  [5 * 24 * hour, 'pl', '5 dni'],
  [2 * hour, 'pl', '2 godziny'],
])('%d ns in %s', (ns, lang, words) => expect(period(ns, lang)).toBe(words))

test.each([
  [[1, 2, 3, 4, 5], 'Mon–Fri'],
  [[0, 6], 'Sat, Sun'],
  [[5, 6, 0], 'Fri–Sun'],
  [[1, 3, 4, 5, 3], 'Mon, Wed–Fri'],
  [[0, 1, 2, 3, 4, 5, 6], undefined],
  [null, undefined],
])('days %j', (named, words) => expect(days(named, 'en')).toBe(words))

test('a problem stands at its field, or is said by its place', () => {
  const all = problemsOf(new Problem(422, 'no', [
    { pointer: '#/form/1/name', message: 'used twice' }, { pointer: '#/form/1/name', message: 'too long' }, { pointer: '#/trunks', message: 'needed' }, { message: 'whole' },
  ]))
  expect(all['#/form/1/name']).toBe('used twice; too long')
  expect(elsewhere(all, (p) => p.startsWith('#/form/'))).toEqual(['trunks: needed', 'whole'])
  expect(problemsOf(new Error('x'))).toEqual({})
})
