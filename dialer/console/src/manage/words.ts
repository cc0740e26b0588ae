import { lang, messagesOf, word } from '../i18n/i18n.svelte'
import { en } from './i18n/en'

// m is a message of the managers' pages.
export const m = await messagesOf(en, { pl: async () => (await import('./i18n/pl')).pl, zh: async () => (await import('./i18n/zh')).zh })

export type ManageKey = keyof typeof en

// named is the message for a value of the API; a value that has none stands for itself.
export const named = (kind: string, value: string) => (`${kind}.${value}` in en ? m(`${kind}.${value}` as ManageKey) : word(kind, value))

// numberOf is a number as the language writes it.
export const numberOf = (n: number, options?: Intl.NumberFormatOptions) => new Intl.NumberFormat(lang.value, options).format(n)
