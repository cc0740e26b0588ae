import { api, ask, type Schemas } from '../lib/api'
import { session } from '../lib/session.svelte'

export type Draft = Schemas['Draft']

// What the operator writes of the present call. It is kept in this browser with every
// change and on the server every two seconds, so that neither a reload nor a crash of
// either loses it.
const every = 2000
const key = 'draft'

let draft = $state<Draft>({ attempt: '', note: '' })
let left = $state<Draft>() // of an earlier call that has no outcome of ours
let keptAt = $state(0)
let serverDown = $state(false)
let timer: ReturnType<typeof setTimeout> | undefined

export const notes = {
  get now() {
    return draft
  },
  get left() {
    return left
  },
  get keptAt() {
    return keptAt
  },
  get serverDown() {
    return serverDown
  },
}

// written says whether there is anything in a draft that would be missed.
const written = (d: Draft) => !!d.note || Object.values(d.fields ?? {}).some(Boolean)

// openDraft shows the draft of a call; afresh where there is none.
export async function openDraft(attempt: string) {
  if (attempt === draft.attempt) return
  await flush()
  const local = fromBrowser()
  draft = local?.attempt === attempt ? local : { attempt, note: '' }
  keptAt = 0
  const kept = await fromServer()
  if (!kept || draft.attempt !== attempt) return
  if (kept.attempt !== attempt) left = written(kept) ? kept : undefined
  else if (!draft.note && !draft.disposition && !draft.fields) draft = kept
}

// findLeft looks for a draft that a crash left behind.
export async function findLeft() {
  const kept = await fromServer()
  if (kept && written(kept) && kept.attempt !== draft.attempt) left = kept
}

// change keeps what is new in the draft.
export function change(what: Partial<Draft>) {
  draft = { ...draft, ...what }
  keptAt = 0
  if (!draft.attempt) return
  localStorage.setItem(key, JSON.stringify(draft))
  timer ??= setTimeout(flush, every)
}

async function flush() {
  clearTimeout(timer)
  const pending = timer !== undefined
  timer = undefined
  if (!pending || !draft.attempt) return
  if (!session.me) return void (timer = setTimeout(flush, every)) // until somebody has signed in again
  const { attempt, note, disposition, callback_local, personal, fields } = draft
  try {
    await ask(api.PUT('/api/v1/operator/draft', { body: { attempt, note, disposition, callback_local, personal, fields } }))
    if (timer === undefined) keptAt = Date.now() // else more was written meanwhile
    serverDown = false
  } catch (error) {
    serverDown = !(error instanceof Error && 'status' in error && error.status === 409) // the call is over: nothing to keep
    if (serverDown) timer ??= setTimeout(flush, every)
  }
}

// closeDraft ends the draft of a call whose outcome is given.
export function closeDraft(attempt: string) {
  if (draft.attempt !== attempt) return
  clearTimeout(timer)
  timer = undefined
  draft = { attempt: '', note: '' }
  localStorage.removeItem(key)
}

// leaveDraft keeps the notes of a call that is over without an outcome of ours.
export function leaveDraft(attempt: string, name: string | undefined) {
  if (draft.attempt !== attempt) return
  if (written(draft)) left = { ...draft, name }
  closeDraft(attempt)
}

// dropLeft throws the draft of an earlier call away.
export async function dropLeft() {
  left = undefined
  await ask(api.DELETE('/api/v1/operator/draft'))
}

function fromBrowser(): Draft | undefined {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '') as Draft
  } catch {
    return undefined
  }
}

async function fromServer(): Promise<Draft | undefined> {
  try {
    return await ask(api.GET('/api/v1/operator/draft'))
  } catch {
    return undefined // there is none, or the server does not answer
  }
}
