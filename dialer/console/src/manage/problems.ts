import { told } from '../i18n/told.svelte'
import { Problem } from '../lib/problem'

// What is wrong with the parts of what was sent: JSON pointer (RFC 6901) to words.
export type Problems = Record<string, string>

export function problemsOf(error: unknown): Problems {
  const all: Problems = {}
  for (const { pointer = '', message = '' } of error instanceof Problem ? error.errors : []) {
    all[pointer] = all[pointer] ? `${all[pointer]}; ${message}` : message
  }
  return all
}

// wrongAt is what is wrong at a place, or, deep, below it as well.
export const wrongAt = (all: Problems, at: string, deep: boolean) =>
  Object.entries(all).filter(([pointer]) => pointer === at || (deep && pointer.startsWith(at + '/'))).map(([, message]) => told(message)).join('; ')

// elsewhere are those that no field on the page stands for, in words.
export const elsewhere = (all: Problems, shown: (pointer: string) => boolean): string[] =>
  Object.entries(all).flatMap(([pointer, message]) => (shown(pointer) ? [] : [pointer ? `${pointer.replace(/^#\//, '').replaceAll('/', ' › ')}: ${told(message)}` : told(message)]))
