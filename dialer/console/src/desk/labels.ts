import { en } from '../i18n/en'
import { t, word, type Key } from '../i18n/i18n.svelte'
import type { Disposition } from './desk.svelte'

// labelOf is a disposition in the language of the page where it is one of the usual ones,
// else as the campaign names it.
export function labelOf(d: Pick<Disposition, 'code' | 'label'>): string {
  const usual = (en as Record<string, string>)[`disposition.${d.code}`]
  return usual && (!d.label || d.label === usual) ? word('disposition', d.code) : d.label || d.code
}

// answerers are what the server says of why a call was taken back, in words of ours.
const answerers: Record<string, Key> = {
  'the last call was taken back: no person answered': 'taken_back.nobody',
  'the last call was taken back: a machine answered': 'taken_back.machine',
  'the last call was taken back: a fax answered': 'taken_back.fax',
  'the last call was taken back: an assistant that screens calls answered': 'taken_back.screening',
  'the last call was taken back: an announcement of the network answered': 'taken_back.announcement',
  'the last call was taken back: a busy tone answered': 'taken_back.busy',
}

// followUps are what the server says of a call whose operator said that a machine answered.
const followUps: Record<string, Key> = {
  'a machine, as you said: the message is being left': 'machine.message',
  'a machine, as you said: the call was ended': 'machine.ended',
}

// takenBack is why the last call went away by itself, or what follows where the operator
// sent it away, in the language of the page. Who is ready then is told so.
export function takenBack(why: string, ready = false): string {
  const followUp = followUps[why]
  if (followUp) return ready ? `${t(followUp)} ${t('machine.ready')}` : t(followUp)
  const key = answerers[why]
  return t('hint.taken_back', { why: key ? t(key) : why })
}

// whyIdle is why a ready operator has no call, in the language of the page: the server
// says first what binds the campaign. Of a rest the desk tells anyway.
export function whyIdle(idle: string): string {
  const bound = idle === 'no campaign that runs takes this operator' ? 'nowhere' : idle.endsWith('preview: no lead is at hand') ? 'leads' : idle.split(':')[0]
  const key = `bound.${bound}`
  return idle === 'resting' ? '' : key in en ? t(key as Key) : idle
}

// troubles are what the server says of the audio of a talk, in words of ours.
const troubles: Record<string, Key> = {
  "we hear nothing from the customer's carrier": 'line.nothing',
  "the customer's audio comes from an address that it may not come from": 'line.elsewhere',
  "the customer's line is silent": 'line.silent',
  "the customer's carrier hears nothing from us": 'line.not_heard',
  'we hear nothing from your phone: the customer does not hear you': 'line.yours_nothing',
  'your audio comes from an address that it may not come from': 'line.yours_elsewhere',
  'your microphone is silent: the customer does not hear you': 'line.yours_silent',
  'your phone hears nothing from us': 'line.yours_not_heard',
}

// lineTrouble is what is wrong with the audio of the talk, in the language of the page.
export function lineTrouble(why: string): string {
  const key = troubles[why]
  return key ? t(key) : why
}
