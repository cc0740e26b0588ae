import { expect, test } from 'vitest'
import { missing, valueOf, writtenOf, type Field } from './form'

const form: Field[] = [
  { name: 'until', kind: 'date', required_for: ['sale'] },
  { name: 'supplier', label: 'Supplier', kind: 'choice', choices: ['a', 'b'], required_for: ['*'] },
  { name: 'words', kind: 'text' },
]

test('a field shows what was written, else what is known', () => {
  const until = form[0] as Field
  expect(valueOf(until, undefined, undefined)).toBe('')
  expect(valueOf(until, undefined, { until: '2027-01-31' })).toBe('2027-01-31')
  expect(valueOf(until, { until: '' }, { until: '2027-01-31' })).toBe('')
})

test('what an outcome needs', () => {
  const names = (disposition: string, written?: Record<string, string>, known?: Record<string, string>) => missing(form, disposition, written, known).map((f) => f.name)
  expect(names('sale')).toEqual(['until', 'supplier'])
  expect(names('callback')).toEqual(['supplier'])
  expect(names('sale', { until: '2027-01-31' }, { supplier: 'a' })).toEqual([])
  expect(names('sale', { until: ' ', supplier: '' }, { supplier: 'a' })).toEqual(['until', 'supplier'])
  expect(missing(undefined, 'sale', undefined, undefined)).toEqual([])
})

test('what is sent is of the form, and written in this call', () => {
  expect(writtenOf(form, { until: '', words: ' two words ', gone: 'x' })).toEqual({ until: '', words: 'two words' })
  expect(writtenOf(form, { gone: 'x' })).toBeUndefined()
  expect(writtenOf(null, undefined)).toBeUndefined()
})
