import { session } from '../lib/session.svelte'

// A draft is what stands in a form and is not saved. It is kept in the tab, so that it is
// there when a session has ended or the page was loaded again: of somebody else than who
// wrote it the tab forgets it.
export type Draft<T> = {
  at: number // when it was written, ms
  etag: string // what it is based on
  theirs: string // and what stood there, as JSON
  mine: T
}

export const draftKey = (campaign: string, part: string) => `draft ${session.me?.id} ${campaign} ${part}`

// newDraft is the key of that of a campaign that is not made yet.
export const newDraft = () => draftKey('', 'new')

export function readDraft<T>(key: string): Draft<T> | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined
  } catch {
    return undefined // storage is closed to this page, or it is no draft
  }
}

export function keepDraft<T>(key: string, draft: Draft<T> | undefined) {
  try {
    if (draft) sessionStorage.setItem(key, JSON.stringify(draft))
    else sessionStorage.removeItem(key)
  } catch {
    // it is full, or closed to this page: the form works without
  }
}
