import { expect, test } from 'vitest'
import { en } from './en'
import { pl } from './pl'
import { zh } from './zh'

const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

test.each([['polski', pl], ['中文', zh]] as const)('%s has the keys and the holes of English, and nothing else', (_, table: Record<string, string>) => {
  expect(Object.keys(table).sort()).toEqual(Object.keys(en).sort())
  for (const [key, text] of Object.entries(en)) {
    expect([key, holes(table[key] ?? '')]).toEqual([key, holes(text)])
    expect(table[key]?.trim(), key).toBeTruthy()
  }
})
