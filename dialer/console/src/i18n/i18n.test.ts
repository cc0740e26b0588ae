import { expect, test } from 'vitest'
import { en as managed } from '../manage/i18n/en'
import { pl as managedPl } from '../manage/i18n/pl'
import { zh as managedZh } from '../manage/i18n/zh'
import { en } from './en'
import { pl } from './pl'
import { zh } from './zh'

const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

test.each([
  ['polski', pl, en], ['中文', zh, en], ['polski, managers', managedPl, managed], ['中文, managers', managedZh, managed],
] as const)('%s: the keys and the holes of English, and nothing else', (_, table: Record<string, string>, english: Record<string, string>) => {
  expect(Object.keys(table)).toEqual(Object.keys(english))
  for (const [key, text] of Object.entries(english)) {
    expect([key, holes(table[key] ?? '')]).toEqual([key, holes(text)])
    expect(table[key]?.trim(), key).toBeTruthy()
  }
})
