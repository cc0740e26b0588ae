import type { Schemas } from './api'

// Marks of a mean opinion score: 3.6 is an R of 70, where many are dissatisfied, 3.1 an R
// of 60, nearly all (ITU-T G.107, annex B).
export const warnMOS = 3.6
export const badMOS = 3.1

export const colourOfMOS = (mos: number) => (mos < badMOS ? 'bad' : mos < warnMOS ? 'warn' : '')

export type Side = { side: 'customer' | 'operator'; mos: number; loss: number }

// sidesOf are the sides of a call of which something was heard.
export const sidesOf = (audio: Schemas['Audio'] | undefined): Side[] =>
  (['customer', 'operator'] as const).flatMap((side) => {
    const leg = audio?.[side]
    return leg?.mos ? [{ side, mos: leg.mos, loss: leg.loss }] : []
  })
