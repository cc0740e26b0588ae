import type { Schemas } from '../lib/api'

export type Campaign = Schemas['Campaign']

// Texts are what operators see. Objections are those of segments, by their names.
export type Texts = { script: string; segments: string[]; objections: string[]; form: FormField[]; crm: { url: string; auto: boolean } }
export type FormField = { name: string; label: string; kind: string; choices: string; required_for: string[] }

export const textsOf = (c: Campaign): Texts => ({
  script: c.script ?? '',
  segments: (c.segments ?? []).map((s) => s.name),
  objections: (c.segments ?? []).map((s) => s.objections ?? ''),
  form: (c.form ?? []).map((f) => ({ name: f.name, label: f.label ?? '', kind: f.kind, choices: (f.choices ?? []).join('\n'), required_for: f.required_for ?? [] })),
  crm: { url: c.crm?.url ?? '', auto: c.crm?.auto ?? false },
})

// withTexts is a campaign with other texts. Objections belong to segments by name: where
// the segments are others now, those of a segment that is gone stay out.
export function withTexts(c: Campaign, texts: Texts): Campaign {
  const lines = (text: string) => text.split('\n').map((l) => l.trim()).filter(Boolean)
  return {
    ...c,
    script: texts.script,
    segments: (c.segments ?? []).map((s) => {
      const at = texts.segments.indexOf(s.name)
      return at < 0 ? s : { ...s, objections: texts.objections[at] ?? '' }
    }),
    form: texts.form.map((f) => ({
      name: f.name.trim(), label: f.label.trim(), kind: f.kind, choices: f.kind === 'choice' ? lines(f.choices) : [], required_for: f.required_for,
    })),
    crm: { url: texts.crm.url.trim(), auto: texts.crm.auto },
  }
}

// rebased are mine over theirs, which may have other segments.
export const rebased = (mine: Texts, theirs: Texts): Texts => ({
  ...mine,
  segments: theirs.segments,
  objections: theirs.segments.map((name, i) => mine.objections[mine.segments.indexOf(name)] ?? theirs.objections[i] ?? ''),
})
