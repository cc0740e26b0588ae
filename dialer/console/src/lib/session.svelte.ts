import type { components } from './schema'

export type User = components['schemas']['User']

// Who is signed in. The token lives as long as the tab: a reload keeps it, a closed
// browser does not.
let token = $state(sessionStorage.getItem('token') ?? '')
let me = $state<User>()
let ended = $state(false)

export const session = {
  get token() {
    return token
  },
  get me() {
    return me
  },
  // ended says that the server knows the session no more.
  get ended() {
    return ended
  },
  begin(newToken: string) {
    sessionStorage.setItem('token', newToken)
    token = newToken
    ended = false
  },
  know(user: User) {
    me = user
  },
  end(byServer = true) {
    sessionStorage.removeItem('token')
    ended = byServer && token !== ''
    token = ''
    me = undefined
  },
}
