import { expect, test } from 'vitest'
import { colourOfMOS, sidesOf } from '../lib/audio'
import { heardBy, trunkState, type Trunk } from './trunks'

test.each([
  [{ up: true, cps: 10, full_cps: 10 }, 'up'],
  [{ up: true, cps: 4, full_cps: 10 }, 'throttled'],
  [{ up: true, paused: true, cps: 0, full_cps: 10 }, 'paused'],
  [{ up: true, unusable: true, cps: 10, full_cps: 10 }, 'unusable'],
  [{ up: false, unusable: true, cps: 10, full_cps: 10 }, 'down'],
  [{ up: false, cps: 10, full_cps: 10 }, 'down'],
])('%j is %s', (t, state) => expect(trunkState(t as Trunk)).toBe(state))

const leg = (mos: number, loss = 0) => ({ received: 100, lost: 0, loss, jitter_seconds: 0, mos })

test('talks are summed up by trunk', () => {
  const heard = heardBy([
    { trunk: 'a', audio: { customer: leg(4, 0.02) } },
    { trunk: 'a', audio: { customer: leg(3, 0.04), one_way: [{ side: 'customer', cause: 'silent', after_seconds: 2 }] } },
    { trunk: 'a', audio: { customer: leg(0), one_way: [{ side: 'customer', cause: 'nothing', after_seconds: 3 }] } },
    { trunk: 'a' },
    { trunk: 'b', audio: { operator: leg(4) } },
  ])
  expect([...heard]).toEqual([['a', { talks: 2, mos: 3.5, loss: 0.03, poor: 1, oneWay: 2 }]])
})

test('a MOS has its colour', () => expect([4.4, 3.5, 3].map(colourOfMOS)).toEqual(['', 'warn', 'bad']))

test('a side of which nothing was heard has no MOS', () => {
  expect(sidesOf({ customer: leg(4.1, 0.01), operator: leg(0) })).toEqual([{ side: 'customer', mos: 4.1, loss: 0.01 }])
  expect(sidesOf(undefined)).toEqual([])
})
