import { t } from '../i18n/i18n.svelte'
import { api, ask, said, type Schemas } from '../lib/api'
import { openFor } from './crm.svelte'
import { missing, writtenOf, type Field } from './form'
import { labelOf } from './labels'
import { hear } from './phone.svelte'
import { change, closeDraft, findLeft, leaveDraft, notes, openDraft } from './draft.svelte'

export type View = Schemas['OperatorView']
export type Disposition = Schemas['Disposition']

// The operator's own state, as the server tells it, and what they may ask for. Nothing
// here runs ahead of the server: a button asks, the next event shows.
let view = $state<View>()
let trouble = $state.raw<unknown>('') // see said
let news = $state.raw<unknown>('') // said to screen readers
let chosen = $state('') // disposition given during the talk
let figures = $state<Schemas['Figures']>()
let idle = $state('')
let sipPhone = $state(false)
let disposing = '' // attempt whose outcome is on its way
let sent = '' // the notes and the form that went with the outcome
let lacking = $state<Field[]>([]) // what the outcome that was asked for needs
let amending: ReturnType<typeof setTimeout> | undefined

export const desk = {
  get view() {
    return view
  },
  get trouble() {
    return said(trouble)
  },
  get news() {
    return said(news)
  },
  get chosen() {
    return chosen
  },
  get figures() {
    return figures
  },
  // idle is why a ready operator has no call, in the server's words.
  get idle() {
    return idle
  },
  // lacking are the fields of the form that the last outcome could not be given without.
  get lacking() {
    return lacking
  },
  // sipPhone says that a SIP phone of the operator is registered.
  get sipPhone() {
    return sipPhone
  },
}

const inCall = (v: View | undefined) => v?.state === 'talking' || v?.state === 'wrapping'
export const onCall = () => inCall(view)

// show takes the operator's state from the stream.
export function show(next: View) {
  const before = view
  view = next
  if (next.state !== 'ready') idle = ''
  if (!before && !next.attempt) void findLeft()
  const begun = inCall(next) && !(inCall(before) && before?.attempt === next.attempt)
  if (begun && next.attempt) {
    chosen = ''
    trouble = ''
    lacking = []
    if (next.state === 'talking') news = () => t('person.arrived', { name: next.lead?.name || t('person.unnamed') })
    void openDraft(next.attempt).then(() => (chosen = next.state === 'talking' ? (notes.now.disposition ?? '') : ''))
  }
  if (next.preview && next.lead?.id !== before?.lead?.id) news = () => t('person.preview', { name: next.lead?.name || t('person.unnamed') })
  if (next.crm?.auto && next.lead && (next.preview || next.state === 'talking')) openFor(`${next.lead.id} ${next.attempt ?? ''}`, next.crm.url)
  if (before?.attempt && before.attempt !== next.attempt) leave(before)
  if (before?.state !== next.state) void refresh()
}

// leave closes the notes of a call that is off the screen: they are in its outcome, or
// kept.
function leave(before: View) {
  const of = before.attempt ?? ''
  if (of === disposing) return
  if (chosen && writing(before) === sent) {
    closeDraft(of)
    void api.DELETE('/api/v1/operator/draft')
  } else leaveDraft(of, before.lead?.name)
  chosen = ''
}

// refresh asks for what the stream does not tell.
export async function refresh() {
  try {
    figures = await ask(api.GET('/api/v1/operator/figures'))
    const now = await ask(api.GET('/api/v1/operator'))
    idle = now.state === 'ready' ? (now.idle ?? '') : ''
    hearPhone(now.phone)
  } catch {
    // shown with the connection
  }
}

export function hearPhone(told: Schemas['Phone']) {
  sipPhone = told.kind === 'sip' && told.connected
  hear(told)
}

// attempt does something and says what went wrong.
export async function attempt(what: () => Promise<unknown>): Promise<boolean> {
  try {
    await what()
    trouble = ''
    return true
  } catch (error) {
    trouble = error
    return false
  }
}

export const goOnDuty = (campaign?: string) => attempt(() => ask(api.POST('/api/v1/operator/on-duty', { body: campaign ? { campaign } : {} })))
export const goOffDuty = () => attempt(() => ask(api.POST('/api/v1/operator/off-duty')))
export const getReady = () => attempt(() => ask(api.POST('/api/v1/operator/ready')))
export const takePause = (reason: string) => attempt(() => ask(api.POST('/api/v1/operator/pause', { body: { reason } })))
export const hangUp = () => attempt(() => ask(api.POST('/api/v1/operator/hangup')))
export const dial = () => attempt(() => ask(api.POST('/api/v1/operator/dial')))
export const skip = () => attempt(() => ask(api.POST('/api/v1/operator/skip')))

// reach tells how far the talk or wrap-up is; pacing learns from it when operators
// come free, and it is no trouble of the operator's where it is not told.
export function reach(stage: string) {
  if (view?.attempt && inCall(view)) void api.POST('/api/v1/operator/stage', { body: { attempt: view.attempt, stage } })
}

// writing is what goes with an outcome besides it.
const writing = (v = view) => JSON.stringify([notes.now.note, writtenOf(v?.form, notes.now.fields)])

// mayGive says whether an outcome has all that it needs of the form, and what is missing.
export function mayGive(d: Disposition): boolean {
  lacking = missing(view?.form, d.code, notes.now.fields, view?.lead?.fields)
  if (lacking.length === 0) return true
  const fields = lacking.map((f) => f.label || f.name).join(', ')
  trouble = () => t('form.missing', { outcome: labelOf(d), fields })
  return false
}

// dispose gives the outcome. During the talk it may be given again, until the call is
// over; the notes that count are the last.
export async function dispose(d: Disposition, callback?: { local: string; personal: boolean }) {
  const of = view?.attempt ?? ''
  const wrapping = view?.state === 'wrapping'
  change({ disposition: d.code, callback_local: callback?.local, personal: callback?.personal })
  const body = {
    attempt: of,
    disposition: d.code,
    note: notes.now.note,
    fields: writtenOf(view?.form, notes.now.fields),
    ...(callback && { callback_local: callback.local, personal: callback.personal }),
  }
  const goesWith = writing()
  if (wrapping) disposing = of
  const done = await attempt(() => ask(api.POST('/api/v1/operator/disposition', { body })))
  disposing = ''
  if (!done) {
    if (view?.attempt !== of) leaveDraft(of, '')
    return false
  }
  sent = goesWith
  news = () => t('disposition.saved', { label: labelOf(d) })
  if (wrapping) closeDraft(of)
  else if (view?.attempt === of) chosen = d.code
  else leaveDraft(of, '')
  return true
}

// amendSoon waits until no more is written.
export function amendSoon() {
  clearTimeout(amending)
  amending = setTimeout(amend, 700)
}

// amend sends what was written after the outcome was chosen.
export async function amend() {
  const d = view?.dispositions?.find((d) => d.code === chosen)
  const { callback_local: local, personal } = notes.now
  if (d && view?.state === 'talking' && writing() !== sent && mayGive(d)) await dispose(d, local ? { local, personal: personal ?? false } : undefined)
}
