import { lang, t, word } from '../i18n/i18n.svelte'
import { at } from '../lib/format'
import { api, ask, Problem, type Schemas } from '../lib/api'
import type { View } from './desk.svelte'

export type Callable = Schemas['Callable']

// shortest is how much of a name the server wants before it looks for people.
export const shortest = 3

// find looks for people of the campaign that the operator is on.
export const find = async (text: string) => (await ask(api.GET('/api/v1/operator/callable', { params: { query: { text } } }))) ?? []

// call has somebody called. The key keeps a request that is sent again, after an answer that
// was lost, from being a second call.
export const call = (lead: number, key: string) =>
  ask(api.POST('/api/v1/operator/call', { params: { header: { 'Idempotency-Key': key } }, body: { lead } }))

// refusal is why a call was not placed: the rule, and what is closed, in the server's words.
export function refusal(error: unknown): string[] {
  if (!(error instanceof Problem)) return [String(error)]
  return [error.message, ...error.errors.map((e) => (e.location === 'next' ? earliest(e.message ?? '') : (e.message ?? '')))].filter(Boolean)
}

const earliest = (moment: string) => t('refused.next', { time: at(moment, lang.value, undefined, { dateStyle: 'short', timeStyle: 'short' }) })

// ownCall is how the call stands that the operator asked for, in words; empty: there is none.
export function ownCall(view: View | undefined): string {
  const own = view?.own_call
  if (!own) return ''
  const name = view?.lead?.name || t('person.unnamed')
  switch (own.state) {
    case 'beginning':
    case 'dialling':
    case 'ringing':
    case 'leaving':
      return t(`hint.own_${own.state}`, { name })
  }
  if (own.rule) return t('hint.own_refused', { why: [word('refused', own.rule), own.next ? earliest(own.next) : ''].join(' ').trim() })
  return own.outcome ? t('hint.own_over', { outcome: word('outcome', own.outcome) }) : ''
}

// standing is what is known of somebody who may be called.
export function standing(c: Callable): string {
  const time = (moment: string) => at(moment, lang.value, undefined, { dateStyle: 'short', timeStyle: 'short' })
  const said = [c.numbers?.join(', ') ?? '']
  if (c.state === 'done') said.push(t('manual.done'))
  else if (c.state === 'calling' || c.state === 'claimed') said.push(t('refused.lead_taken'))
  else if (c.due_at) said.push(t('manual.due', { time: time(c.due_at) }))
  if (c.last_outcome && c.last_at) said.push(t('manual.last', { outcome: word('outcome', c.last_outcome), time: time(c.last_at) }))
  return said.filter(Boolean).join('; ')
}
