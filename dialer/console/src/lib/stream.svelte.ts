import { session } from './session.svelte'
import { takeEvents } from './sse'

// The event stream. EventSource does not say why it ends, so it is read by hand. After a
// break it is opened again, and the server tells the present state first.

// The server sends a sign of life every 15 s.
const silence = 35_000
const waits = [500, 1000, 2000, 4000]

export type Connection = 'connecting' | 'live' | 'lost'

let connection = $state<Connection>('connecting')
let lostAt = $state(0)
let breaks = $state(0)

export const stream = {
  get connection() {
    return connection
  },
  get lostAt() {
    return lostAt
  },
  // breaks is how often the stream was lost and is back: what came by other ways in
  // between may be old.
  get breaks() {
    return breaks
  },
}

// follow reads the stream until the returned function is called.
export function follow(query: string, take: (name: string, data: unknown) => void): () => void {
  const over = new AbortController()
  void keepReading(query, take, over.signal)
  return () => over.abort()
}

async function keepReading(query: string, take: (name: string, data: unknown) => void, over: AbortSignal) {
  for (let failures = 0; !over.aborted && session.me; failures++) {
    try {
      await read(query, over, (name, data) => {
        if (connection === 'lost') breaks++
        connection = 'live'
        failures = -1
        take(name, data)
      })
    } catch {
      // tried again below
    }
    if (over.aborted) return
    if (connection !== 'lost') lostAt = Date.now()
    connection = 'lost'
    await pause(waits[Math.min(Math.max(failures, 0), waits.length - 1)] ?? 4000)
  }
}

async function read(query: string, over: AbortSignal, take: (name: string, data: unknown) => void) {
  const quiet = new AbortController()
  let alarm = setTimeout(() => quiet.abort(), silence)
  try {
    const answer = await fetch('/api/v1/events/stream' + query, {
      signal: AbortSignal.any([over, quiet.signal]),
    })
    if (answer.status === 401) return session.end()
    if (!answer.ok || !answer.body) throw new Error(answer.statusText)
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let text = ''; ; ) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(alarm)
      alarm = setTimeout(() => quiet.abort(), silence)
      const taken = takeEvents(text + value)
      text = taken.rest
      for (const event of taken.events) take(event.name, event.data)
    }
  } finally {
    clearTimeout(alarm)
  }
}

// pause waits, or until the network is back.
function pause(ms: number) {
  return new Promise<void>((resume) => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      resume()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
  })
}
