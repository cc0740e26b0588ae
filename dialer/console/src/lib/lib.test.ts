import { expect, test } from 'vitest'
import { at, daysFrom, localDay, span } from './format'
import { stagesOf } from './script'
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

test('a script has a stage for each headline, with the lead put in', () => {
  const script = 'Before.\n\n# Greeting\nGood day, {name}.\n\n# Need {product}\nWhy {unknown}?\n'
  expect(stagesOf(script, { name: 'Maria Nowak', product: 'fibre' })).toEqual([
    { name: '', text: 'Before.' },
    { name: 'Greeting', text: 'Good day, Maria Nowak.' },
    { name: 'Need fibre', text: 'Why {unknown}?' },
  ])
  expect(stagesOf('', {})).toEqual([])
})
