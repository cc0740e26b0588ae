// Server-sent events (HTML standard, section 9.2), as far as ours go: one line of data.
export type ServerEvent = { name: string; data: unknown }

// takeEvents reads the complete events of a text and returns the rest of it.
export function takeEvents(text: string): { events: ServerEvent[]; rest: string } {
  const blocks = text.split('\n\n')
  const rest = blocks.pop() ?? ''
  const events: ServerEvent[] = []
  for (const block of blocks) {
    const name = /^event: (.*)$/m.exec(block)?.[1]
    const data = /^data: (.*)$/m.exec(block)?.[1]
    if (name && data) events.push({ name, data: JSON.parse(data) })
  }
  return { events, rest }
}
