import { t } from '../i18n/i18n.svelte'
import type { Schemas } from '../lib/api'
import type { View } from './desk.svelte'

// What can be done with a talk as it stands, and how it stands in words.

// Names are what a third party is called: operators as operator/bert,
// campaigns as campaign/spring.
export type Names = Record<string, string>

// mayDo says what the server takes in this state of the talk. Who was asked into a talk
// may press keys in it, and leave.
export function mayDo(v: View | undefined) {
  const talk = v?.state === 'talking' ? v.talk : undefined
  const own = !v?.asked_by
  return {
    hold: own && talk === 'bridged',
    machine: own && talk === 'bridged' && !v?.called_in,
    resume: own && talk === 'held',
    keys: talk === 'bridged' || talk === 'conferring' || (talk === 'consulting' && !!v?.third?.number),
    seek: own && (talk === 'bridged' || talk === 'held'),
    confer: own && talk === 'consulting',
    hand: own && (talk === 'asking' || talk === 'consulting' || talk === 'conferring'),
    back: own && (talk === 'asking' || talk === 'consulting' || talk === 'conferring'),
  }
}

// whoIs is a third party by name; of a queue whoever came of it.
export function whoIs(third: Schemas['ThirdView'], names: Names): string {
  if (third.operator) return names[`operator/${third.operator}`] || third.operator
  if (third.campaign) return t('talk.someone', { campaign: names[`campaign/${third.campaign}`] || third.campaign })
  return third.number ?? ''
}

// standing is the talk in words, and since when it is so; nothing is to be said of a
// plain one.
export function standing(v: View | undefined, names: Names): { words: string; since?: string } | undefined {
  if (v?.state !== 'talking') return undefined
  if (v.asked_by) {
    const who = names[`operator/${v.asked_by}`] || v.asked_by
    return { words: t(v.talk === 'conferring' ? 'talk.asked_all' : 'talk.asked', { who }) }
  }
  const who = v.third ? whoIs(v.third, names) : ''
  switch (v.talk) {
    case 'held':
      return { words: t('talk.held'), since: v.held_since }
    case 'asking':
      return { words: t(v.third?.number || v.third?.operator ? 'talk.asking' : 'talk.waiting', { who }), since: v.third?.since }
    case 'consulting':
      return { words: t('talk.consulting', { who }), since: v.third?.since }
    case 'conferring':
      return { words: t('talk.conferring', { who }), since: v.third?.since }
  }
  return undefined
}

// dialled is a number as it is sent, without what people write between digits.
export const dialled = (typed: string) => typed.replace(/[\s()./-]/g, '')
