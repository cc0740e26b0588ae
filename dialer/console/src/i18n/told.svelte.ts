import { at } from '../lib/format'
import { lang, word } from './i18n.svelte'
import { sentences } from './told'

type Row = { match: RegExp; names: string[]; pl: string; zh: string }

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const weekday = (name: string, l: string, form: 'short' | 'long') => {
  const i = days.findIndex((d) => name.toLowerCase().startsWith(d.toLowerCase()))
  return i < 0 ? name : new Intl.DateTimeFormat(l, { weekday: form, timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 1, 1 + i))) // a Sunday
}

// A row as a pattern: what is in braces is as short as it can be.
const rows: Row[] = sentences.map(([english, pl, zh]) => {
  const names = [...english.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '')
  const pattern = english.split(/\{\w+\}/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('(.+?)')
  return { match: new RegExp(`^${pattern}$`), names, pl, zh }
})

function value(name: string, text: string, l: string): string {
  switch (name) {
    case 'at': {
      const moment = text.replace(/^(\S+) (\S+) UTC$/, '$1T$2Z')
      return Number.isNaN(Date.parse(moment)) ? text : at(moment, l, undefined, { dateStyle: 'medium', timeStyle: 'short' })
    }
    case 'outcome':
      return word('outcome', text)
    case 'state':
      return word('campaign', text)
    case 'day':
      return weekday(text, l, 'short')
    case 'weekday':
      return weekday(text, l, 'long')
    case 'gate':
    case 'told':
      return sentence(text, l) ?? text
  }
  return text
}

// sentence is one in another language; undefined where there is no row for it.
function sentence(text: string, l: string): string | undefined {
  for (const row of rows) {
    const found = row.match.exec(text)
    if (!found) continue
    let words = l === 'pl' ? row.pl : row.zh
    row.names.forEach((name, i) => (words = words.replace(`{${name}}`, () => value(name, found[i + 1] ?? '', l))))
    return words
  }
  return undefined
}

export type Part = { words: string; english: boolean }

// parts are what the API explains, in the language of the page, sentence by sentence.
export function parts(text: string): Part[] {
  const l = lang.value
  if (l === 'en' || !text) return text ? [{ words: text, english: true }] : []
  const whole = sentence(text, l)
  if (whole !== undefined && !text.includes('; ')) return [{ words: whole, english: false }]
  return text.split('; ').map((part) => {
    const words = sentence(part, l)
    return { words: words ?? part, english: words === undefined }
  })
}

// told is all of it as one text.
export const told = (text: string): string => parts(text).map((p) => p.words).join('; ')
