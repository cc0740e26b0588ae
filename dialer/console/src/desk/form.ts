import type { Schemas } from '../lib/api'

export type Field = Schemas['FormField']
export type Values = Record<string, string>

// valueOf is what stands in a field: as written in this call, else as known of the lead.
export const valueOf = (f: Field, written: Values | undefined, known: Values | undefined) => written?.[f.name] ?? known?.[f.name] ?? ''

// missing are the fields that an outcome cannot be given without.
export function missing(form: Field[] | null | undefined, disposition: string, written: Values | undefined, known: Values | undefined): Field[] {
  const needed = (f: Field) => !!f.required_for?.some((code) => code === disposition || code === '*')
  return (form ?? []).filter((f) => needed(f) && !valueOf(f, written, known).trim())
}

// writtenOf is what was written into the fields that the form has, as it is sent.
export function writtenOf(form: Field[] | null | undefined, written: Values | undefined): Values | undefined {
  const all = (form ?? []).flatMap((f) => (written?.[f.name] === undefined ? [] : [[f.name, written[f.name]?.trim() ?? '']]))
  return all.length > 0 ? Object.fromEntries(all) : undefined
}
