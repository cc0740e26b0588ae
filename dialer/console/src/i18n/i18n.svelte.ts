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

let table = $state<Messages>(en)
let language = $state<Language>('en')

function wanted(): Language {
  const asked = [localStorage.getItem('language') ?? '', ...navigator.languages].map((l) => l.slice(0, 2))
  return (asked.find((l) => l in languages) as Language | undefined) ?? 'en'
}

export async function loadLanguage(l: Language = wanted()) {
  table = (await tables[l]?.()) ?? en
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

// t is a message with its values put in.
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return table[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

// word is the message for a value of the API, such as word('state', 'ready'); values
// that have none stand for themselves.
export function word(kind: string, value: string | undefined): string {
  const key = `${kind}.${value}`
  return key in table ? table[key as Key] : (value ?? '').replaceAll('_', ' ')
}
