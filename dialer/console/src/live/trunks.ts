import type { Schemas } from '../lib/api'
import { badMOS } from '../lib/audio'

export type Trunk = Schemas['TrunkFigures']
export type State = 'up' | 'throttled' | 'paused' | 'unusable' | 'down'

// trunkState is how a trunk is, the worst first.
export function trunkState(t: Trunk): State {
  if (t.paused) return 'paused'
  if (!t.up) return 'down'
  if (t.unusable) return 'unusable'
  return t.cps < t.full_cps ? 'throttled' : 'up'
}

// Marks from which figures are shown as bad; NER as our own alert has it.
export const enough = 50 // calls or talks, below which shares say nothing
export const poorNER = 0.9

// Heard is how the talks of a trunk sounded.
export type Heard = { talks: number; mos: number; loss: number; poor: number; oneWay: number }

// heardBy sums the audio of talks up by trunk: the mean MOS and loss of the customer's
// side, talks below badMOS and those where one side was not heard.
export function heardBy(attempts: Pick<Schemas['Attempt'], 'trunk' | 'audio'>[]): Map<string, Heard> {
  const all = new Map<string, Heard>()
  for (const { trunk, audio } of attempts) {
    const { customer, one_way: oneWay } = audio ?? {}
    if (!customer && !oneWay?.length) continue
    const h = all.get(trunk) ?? { talks: 0, mos: 0, loss: 0, poor: 0, oneWay: 0 }
    all.set(trunk, h)
    if (oneWay?.length) h.oneWay++
    if (!customer?.mos) continue // nothing came: that is one way, no bad line
    h.mos = (h.mos * h.talks + customer.mos) / (h.talks + 1)
    h.loss = (h.loss * h.talks + customer.loss) / (h.talks + 1)
    h.talks++
    if (customer.mos < badMOS) h.poor++
  }
  return all
}
