import { api, ask, type Schemas } from '../lib/api'
import { attempt, desk } from './desk.svelte'
import type { Names } from './talk'

// Whom a talk can go to, and what an operator asks for in one.
export type Target = Schemas['Target']

let colleagues = $state<Schemas['Colleague'][]>([])
let queues = $state<Schemas['OpenCampaign'][]>([])

export const others = {
  get colleagues() {
    return colleagues
  },
  get queues() {
    return queues
  },
  get names(): Names {
    return Object.fromEntries([...colleagues.map((c) => [`operator/${c.id}`, c.name]), ...queues.map((q) => [`campaign/${q.id}`, q.name])])
  },
}

// lookAround asks who is there now.
export async function lookAround() {
  const [seen, open] = await Promise.all([
    ask(api.GET('/api/v1/operator/colleagues')).catch(() => null),
    ask(api.GET('/api/v1/operator/campaigns')).catch(() => null),
  ])
  colleagues = seen ?? []
  queues = open ?? []
}

export const hold = () => attempt(() => ask(api.POST('/api/v1/operator/hold')))
export const resume = () => attempt(() => ask(api.POST('/api/v1/operator/resume')))
export const consult = (to: Target) => attempt(() => ask(api.POST('/api/v1/operator/consult', { body: { to } })))
export const giveAway = (to: Target) => attempt(() => ask(api.POST('/api/v1/operator/transfer', { body: { to } })))
export const handOver = () => attempt(() => ask(api.POST('/api/v1/operator/transfer')))
export const confer = () => attempt(() => ask(api.POST('/api/v1/operator/confer')))
export const goBack = () => attempt(() => ask(api.POST('/api/v1/operator/return')))

// sayMachine names the call that it is about: the next one may be there already.
export const sayMachine = () => attempt(() => ask(api.POST('/api/v1/operator/machine', { body: { attempt: desk.view?.attempt } })))

// press sends a key after those before it.
let pressing: Promise<unknown> = Promise.resolve()
export const press = (digits: string) => (pressing = pressing.then(() => attempt(() => ask(api.POST('/api/v1/operator/digits', { body: { digits } })))))
