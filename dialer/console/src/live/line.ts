import { lineTrouble } from '../desk/labels'
import { m, type ManageKey } from '../manage/words'

// What the server says to operators of their own audio, as it is said of them.
const theirs: Record<string, ManageKey> = {
  'we hear nothing from your phone: the customer does not hear you': 'line.theirs_nothing',
  'your audio comes from an address that it may not come from': 'line.theirs_elsewhere',
  'your microphone is silent: the customer does not hear you': 'line.theirs_silent',
  'your phone hears nothing from us': 'line.theirs_not_heard',
}

// lineOf is what is wrong with the audio of an operator's talk, for who looks at the floor.
export function lineOf(why: string): string {
  const key = theirs[why]
  return key ? m(key) : lineTrouble(why)
}
