import { en } from '../i18n/en'
import type { Key } from '../i18n/i18n.svelte'

// reason is the text for why a provider's sign-in came to nothing: what follows #refused=
// in the address, which anybody can write, so that only our own words are shown.
export function reason(code: string): Key {
  if (code === 'needs_https') return 'problem.needs_https'
  const key = `refused.${code}`
  return Object.hasOwn(en, key) ? (key as Key) : 'refused.internal'
}
