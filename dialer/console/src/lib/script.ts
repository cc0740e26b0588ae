// A script is text; campaigns.ParseScript says how it is read, and a test reads the same
// script with both. {name} and the fields of the lead are put in afterwards, so that
// they can neither make stages nor break answers.
export type Answer = { text: string; stage: string; title: string }
export type Part = { name: string; title: string; text: string; answers: Answer[] }
export type Script = { stages: Part[]; objections: Part[] }
export type Values = Record<string, string | undefined>

export function parseScript(script: string, values: Values = {}): Script {
  const parsed: Script = { stages: [], objections: [] }
  let into = parsed.stages
  for (const line of script.split('\n')) {
    const trimmed = line.trim()
    const [, mark, name] = /^([#!])\s+(.+)$/.exec(trimmed) ?? []
    if (mark && name) {
      into = mark === '!' ? parsed.objections : parsed.stages
      into.push({ name, title: fill(name, values), text: '', answers: [] })
      continue
    }
    if (into.length === 0) {
      if (!trimmed) continue
      into.push({ name: '', title: '', text: '', answers: [] })
    }
    const part = into[into.length - 1] as Part
    const [, text, stage] = /^-\s*(.*?)\s*(?:->|→)\s*(.*)$/.exec(trimmed) ?? []
    if (text !== undefined && stage !== undefined) part.answers.push({ text: fill(text, values), stage, title: fill(stage, values) })
    else part.text += fill(line, values) + '\n'
  }
  for (const part of [...parsed.stages, ...parsed.objections]) part.text = part.text.trim()
  return parsed
}

const fill = (text: string, values: Values) => text.replace(/\{([^{}]+)\}/g, (whole, key: string) => values[key] ?? whole)
