import { en } from './en'

export type Key = keyof typeof en
export type Messages = Record<Key, string>

// English is in the first script; the others come when they are wanted.
const tables: Record<string, () => Promise<Messages>> = {
  en: async () => en,
  pl: async () => (await import('./pl')).pl,
  zh: async () => (await import('./zh')).zh,
}

export const languages = { en: 'English', pl: 'polski', zh: '中文' }
export type Language = keyof typeof languages

let table = $state.raw<Messages>(en)
let language = $state<Language>('en')

function wanted(): Language {
  const asked = [localStorage.getItem('language') ?? '', ...navigator.languages].map((l) => l.slice(0, 2))
  return (asked.find((l) => l in languages) as Language | undefined) ?? 'en'
}

export async function loadLanguage(l: Language = wanted()) {
  const loaded = (await tables[l]?.()) ?? en
  await Promise.all(more.map((load) => load(l)))
  table = loaded
  language = l
  document.documentElement.lang = l
}

export const lang = {
  get value() {
    return language
  },
  choose(l: Language) {
    localStorage.setItem('language', l)
    return loadLanguage(l)
  },
}

type Values = Record<string, string | number>
const fill = (message: string, values: Values = {}) => message.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))

// t is a message with its values put in.
export const t = (key: Key, values?: Values): string => fill(table[key], values)

// Tables of pages that are not in the first script.
const more: ((l: Language) => Promise<void>)[] = []

// messagesOf loads such a table; what it returns is as t.
export async function messagesOf<T extends Record<string, string>>(english: T, others: Record<string, () => Promise<Record<keyof T, string>>>) {
  let own = $state.raw<Record<keyof T, string>>(english)
  const load = async (l: Language) => void (own = (await others[l]?.()) ?? english)
  more.push(load)
  await load(language)
  return (key: keyof T, values?: Values): string => fill(own[key], values)
}

// word is the message for a value of the API, such as word('state', 'ready'); values
// that have none stand for themselves.
export function word(kind: string, value: string | undefined): string {
  const key = `${kind}.${value}`
  return key in table ? table[key as Key] : (value ?? '').replaceAll('_', ' ')
}
