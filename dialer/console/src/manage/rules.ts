import type { Schemas } from '../lib/api'

// Calling hours, caps and retries, in words.
const units = [['day', 86_400e9], ['hour', 3600e9], ['minute', 60e9], ['second', 1e9]] as const

// period is a duration in nanoseconds: 30 minutes, 1 day 12 hours.
export function period(nanoseconds: number, lang: string): string {
  const parts: string[] = []
  let rest = nanoseconds
  for (const [unit, size] of units) {
    const n = unit === 'second' ? rest / size : Math.floor(rest / size)
    rest -= n * size
    if (n > 0) parts.push(new Intl.NumberFormat(lang, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 3 }).format(n))
  }
  return parts.join(' ') || new Intl.NumberFormat(lang, { style: 'unit', unit: 'second', unitDisplay: 'long' }).format(0)
}

// 1 March 2026 was a Sunday; the API's days count from it.
export const dayName = (day: number, lang: string) => new Intl.DateTimeFormat(lang, { weekday: 'short', timeZone: 'UTC' }).format(Date.UTC(2026, 2, 1 + day))

// days names weekdays (0 is Sunday) from Monday on, with runs of three and more as from
// and to; undefined stands for all.
export function days(named: number[] | null | undefined, lang: string): string | undefined {
  const sorted = [...new Set(named ?? [])].map((d) => (d + 6) % 7).sort((a, b) => a - b)
  if (sorted.length === 0 || sorted.length === 7) return undefined
  const runs: number[][] = []
  for (const d of sorted) {
    const run = runs.at(-1)
    if (run && run.at(-1) === d - 1) run.push(d)
    else runs.push([d])
  }
  const name = (d: number) => dayName((d + 1) % 7, lang)
  return runs.flatMap((run) => (run.length > 2 ? [`${name(run[0] ?? 0)}–${name(run.at(-1) ?? 0)}`] : run.map(name))).join(', ')
}

export type Retry = Schemas['RetryRule']
