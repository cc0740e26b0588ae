import type { Schemas } from '../lib/api'
import type { Campaign } from './texts'

// The parts of a campaign as they stand in the fields of forms, and back. Durations are
// nanoseconds in the API, and minutes or hours in fields.
const minute = 60e9
const hour = 60 * minute

const lines = (text: string) => text.split(/[\n,]/).map((l) => l.trim()).filter(Boolean)

export type Basics = {
  name: string; trunks: string; callers: string; lists: string[]; detection: string; recording: Schemas['RecordingPolicy']
  safe_harbor: string; voicemail: string; sticky: boolean; manual: boolean
}

export const basicsOf = (c: Campaign): Basics => ({
  name: c.name, trunks: c.trunks, callers: (c.caller_ids ?? []).join('\n'), lists: c.lists ?? [], detection: c.detection, recording: c.recording,
  safe_harbor: c.safe_harbor ?? '', voicemail: c.voicemail ?? '', sticky: c.sticky_operator ?? false, manual: c.manual_dial ?? false,
})

export const withBasics = (c: Campaign, b: Basics): Campaign => ({
  ...c, name: b.name.trim(), trunks: b.trunks.trim(), caller_ids: lines(b.callers), lists: b.lists, detection: b.detection, recording: b.recording,
  safe_harbor: b.safe_harbor.trim(), voicemail: b.voicemail.trim(), sticky_operator: b.sticky, manual_dial: b.manual,
})

// People may call a campaign that has numbers. Without, the rest is kept for when it has.
export type Inbound = { taken: boolean; numbers: string; max_wait: number; max_waiting: number; announcement: string; music: string; put_off: string; unknown: boolean }

export function inboundOf({ inbound = {} }: Campaign): Inbound {
  const numbers = inbound.numbers ?? []
  return {
    taken: numbers.length > 0, numbers: numbers.join('\n'), max_wait: (inbound.max_wait || 2 * minute) / 1e9, max_waiting: inbound.max_waiting || 10,
    announcement: inbound.announcement ?? '', music: inbound.music ?? '', put_off: inbound.put_off ?? '', unknown: inbound.unknown === 'take',
  }
}

export const withInbound = (c: Campaign, i: Inbound): Campaign => ({
  ...c,
  inbound: {
    numbers: i.taken ? lines(i.numbers) : [], max_wait: Math.round(i.max_wait * 1e9), max_waiting: i.max_waiting,
    announcement: i.announcement.trim(), music: i.music.trim(), put_off: i.put_off.trim(), unknown: i.unknown ? 'take' : 'refuse',
  },
})

// was is what a segment was called: its objections, which are edited elsewhere, go with it.
export type SegmentRow = { was: string; name: string; filter: string; priority: string; weight: number }
export type Segments = { rows: SegmentRow[]; priority: string; nth_new: number }

export const segmentsOf = (c: Campaign): Segments => ({
  rows: (c.segments ?? []).map((s) => ({ was: s.name, name: s.name, filter: s.filter, priority: s.priority, weight: s.weight || 1 })),
  priority: c.priority ?? '',
  nth_new: c.nth_new ?? 0,
})

export function withSegments(c: Campaign, s: Segments): Campaign {
  const objections = new Map((c.segments ?? []).map((one) => [one.name, one.objections]))
  return {
    ...c,
    segments: s.rows.map(({ was, ...row }) => ({ ...row, name: row.name.trim(), filter: row.filter.trim(), priority: row.priority.trim(), objections: objections.get(was) ?? '' })),
    priority: s.priority.trim(),
    nth_new: s.nth_new,
  }
}

export type WindowRow = { days: number[]; from: string; to: string }
export type CapRow = { n: number; hours: number }
export type RetryRow = { outcome: Schemas['Outcome']; minutes: number; max: number; next: boolean; shift: boolean; bad_number: boolean; do_not_call: boolean }
export type Times = { windows: WindowRow[]; caps: CapRow[]; retry: RetryRow[]; wait: boolean; grace: number; wrap: number; wrap_default: string }

export const timesOf = (c: Campaign): Times => ({
  windows: (c.windows ?? []).map((w) => ({ days: [...new Set(w.days ?? [])], from: w.from, to: w.to })),
  caps: (c.caps ?? []).map((cap) => ({ n: cap.n, hours: cap.period / hour })),
  retry: (c.retry ?? []).map((r) => ({ outcome: r.outcome, minutes: r.after / minute, max: r.max, next: r.next, shift: r.shift, bad_number: r.bad_number, do_not_call: r.do_not_call })),
  wait: c.callbacks.wait,
  grace: (c.callbacks.grace || 15 * minute) / minute,
  wrap: (c.wrap.timeout || minute) / 1e9,
  wrap_default: c.wrap.default,
})

export const withTimes = (c: Campaign, t: Times): Campaign => ({
  ...c,
  windows: t.windows,
  caps: t.caps.map((cap) => ({ n: cap.n, period: Math.round(cap.hours * hour) })),
  retry: t.retry.map(({ minutes, ...rule }) => ({ ...rule, after: Math.round(minutes * minute) })),
  callbacks: { wait: t.wait, grace: Math.round(t.grace * minute) },
  wrap: { timeout: Math.round(t.wrap * 1e9), default: t.wrap_default },
})

// What a disposition does with the lead in this campaign: one of these.
export const fates = ['final', 'do_not_call', 'callback', 'move', 'retry'] as const
export type Fate = (typeof fates)[number]
export type DispositionRow = {
  code: string; label: string; digit: string; nobody: boolean; fate: Fate; hours: number; move_to: string
  bad_number: boolean; temperature: Schemas['Temperature']; progress: number
  kept: Schemas['Effect'] // with what is not edited here: grades and stage
}

export const dispositionsOf = (c: Campaign): DispositionRow[] => (c.dispositions ?? []).map((d) => ({
  code: d.code, label: d.label, digit: d.digit, nobody: d.nobody ?? false, fate: fateOf(d.effect), hours: d.effect.retry_after / hour, move_to: d.effect.move_to ?? '',
  bad_number: d.effect.bad_number, temperature: d.effect.temperature, progress: d.effect.progress, kept: d.effect,
}))

const fateOf = (e: Schemas['Effect']): Fate => (e.do_not_call ? 'do_not_call' : e.callback ? 'callback' : e.move_to ? 'move' : e.final ? 'final' : 'retry')

export const withDispositions = (c: Campaign, rows: DispositionRow[]): Campaign => ({
  ...c,
  dispositions: rows.map((r) => ({
    code: r.code.trim(), label: r.label.trim(), digit: r.digit.trim(), nobody: r.nobody,
    effect: {
      ...r.kept, bad_number: r.bad_number, temperature: r.temperature, progress: r.progress, callback: r.fate === 'callback', do_not_call: r.fate === 'do_not_call',
      final: r.fate === 'final' || r.fate === 'do_not_call', retry_after: r.fate === 'retry' ? Math.round(r.hours * hour) : 0, move_to: r.fate === 'move' ? r.move_to.trim() : '',
    },
  })),
})

const noEffect: Schemas['Effect'] = { bad_number: false, callback: false, do_not_call: false, final: false, progress: 0, retry_after: 0, stage: '', temperature: '' }
export const newDisposition = (): DispositionRow => ({
  code: '', label: '', digit: '', nobody: false, fate: 'retry', hours: 24, move_to: '', bad_number: false, temperature: '', progress: 0, kept: noEffect,
})
