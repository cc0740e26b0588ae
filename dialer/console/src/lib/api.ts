import createClient from 'openapi-fetch'
import { en } from '../i18n/en'
import { t, type Key } from '../i18n/i18n.svelte'
import { setClock } from './clock.svelte'
import { Problem } from './problem'
import type { components, paths } from './schema'
import { session } from './session.svelte'

export type Schemas = components['schemas']
export { Problem }

export const api = createClient<paths>({ baseUrl: location.origin })

api.use({
  onResponse({ request, response }) {
    setClock(response.headers.get('date'))
    if (response.status === 401 && !request.url.includes('/login')) session.end()
  },
})

// words are ours for what the API says often.
const words: Record<string, Key> = {
  'unknown user or wrong password': 'problem.password',
  'this link was used, or is too old': 'problem.link',
  'too many attempts': 'problem.attempts',
  'no phone of this operator is registered': 'problem.no_phone',
  'the operator has no call': 'problem.no_call',
  "that attempt is not the operator's present call": 'problem.not_yours',
  'the product is stopping': 'problem.stopping',
  'that operator is not ready': 'problem.not_ready',
  "that number may not be called: the campaign's transfer_numbers do not name it": 'problem.number_not_named',
  "that number may not be called: it is the customer's own": 'problem.number_own',
  'that number may not be called: it is on do-not-call': 'problem.number_dnc',
  'no trunk has room for a call now': 'problem.no_channel',
  'browsers are not taken as phones here: set phones.browser.enabled, or use a SIP phone': 'phone.none',
}

// codes are ours for what the API says in several words.
const codes: Record<string, Key> = {
  changed: 'problem.changed',
  needs_https: 'problem.needs_https',
  passwords_off: 'problem.passwords_off',
  offline: 'problem.offline',
  storage_full: 'problem.storage_full',
  list_in_use: 'problem.list_in_use',
  calls_under_way: 'problem.calls_under_way',
  list_deleted: 'problem.list_deleted',
  manual_forbidden: 'problem.manual_forbidden',
  ambiguous: 'problem.ambiguous',
}

// refusals are the rules that keep a call of an operator's own from being placed.
function refused(code: string): Key | undefined {
  const key = code.replace(/^refused_/, 'refused.')
  return key !== code && key in en ? (key as Key) : undefined
}

export function problem(status: number, told?: Partial<Schemas['ErrorModel']>): Problem {
  const key = codes[told?.code ?? ''] ?? refused(told?.code ?? '') ?? words[told?.detail ?? '']
  return new Problem(status, key ? () => t(key) : (told?.detail ?? (() => t('problem.other', { status }))), told?.errors ?? [])
}

type Answer<T> = { data?: T; error?: unknown; response: Response }

// ask gives the data of an answer, or throws a Problem.
export async function ask<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await request
  } catch {
    throw new Problem(0, () => t('problem.offline'))
  }
  if (answer.response.ok) return answer.data as T
  throw problem(answer.response.status, answer.error as Schemas['ErrorModel'] | undefined)
}

type Page<T> = { items: T[]; next_cursor?: string }

// whole gathers a list page by page: for those of which there are few.
export async function whole<T>(page: (query: { limit: number; cursor?: string }) => Promise<Answer<Page<T>>>): Promise<T[]> {
  const all: T[] = []
  let cursor: string | undefined
  do {
    const next: Page<T> = await ask(page({ limit: 1000, ...(cursor && { cursor }) }))
    all.push(...next.items)
    cursor = next.next_cursor
  } while (cursor)
  return all
}

// said is what went wrong, in words, or what a function says. A page keeps what it was told
// and says it when it is shown: the language may have changed since.
export const said = (error: unknown): string => (typeof error === 'function' ? String(error()) : error instanceof Error ? error.message : String(error ?? ''))
