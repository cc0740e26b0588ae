import { en } from '../i18n/en'
import { word } from '../i18n/i18n.svelte'
import type { Disposition } from './desk.svelte'

// labelOf is a disposition in the language of the page where it is one of the usual ones,
// else as the campaign names it.
export function labelOf(d: Pick<Disposition, 'code' | 'label'>): string {
  const usual = (en as Record<string, string>)[`disposition.${d.code}`]
  return usual && (!d.label || d.label === usual) ? word('disposition', d.code) : d.label || d.code
}
