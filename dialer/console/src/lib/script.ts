// A script is text; a line that begins with "# " begins a stage. {name} and the fields
// of the lead are put in.
export type Stage = { name: string; text: string }

export function stagesOf(script: string, values: Record<string, string | undefined>): Stage[] {
  const filled = script.replace(/\{([\w ]+)\}/g, (whole, key: string) => values[key] ?? whole)
  const stages: Stage[] = []
  for (const line of filled.split('\n')) {
    const headline = /^#\s+(.+)$/.exec(line.trim())?.[1]
    const last = stages.at(-1)
    if (headline) stages.push({ name: headline, text: '' })
    else if (last) last.text += line + '\n'
    else if (line.trim()) stages.push({ name: '', text: line + '\n' })
  }
  return stages.map(({ name, text }) => ({ name, text: text.trim() }))
}
