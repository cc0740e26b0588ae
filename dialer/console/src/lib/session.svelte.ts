import type { components } from './schema'

export type User = components['schemas']['Me']

// Who is signed in. The session is a cookie that no script can read, the same in every
// tab of this browser: where one signs in or out, the others ask anew who they are.
let me = $state<User>()
let ended = $state(false)
let last = '' // who was signed in last in this tab
const tabs = new BroadcastChannel('session')

export const session = {
  get me() {
    return me
  },
  // ended says that the server knows the session no more.
  get ended() {
    return ended
  },
  // know takes who is signed in. Of somebody else than before nothing stays in the tab.
  know(user: User) {
    if (last && last !== user.id) {
      sessionStorage.clear()
      location.reload()
      return
    }
    last = user.id
    me = user
    ended = false
  },
  end(byServer = true) {
    if (me) ended = byServer
    me = undefined
  },
  // may says whether who is signed in has a right.
  may(right: string) {
    return !!me?.may.includes(right)
  },
  // changed tells the other tabs; onChange is told by them.
  changed() {
    tabs.postMessage('')
  },
  onChange(act: () => void) {
    tabs.onmessage = act
  },
}
