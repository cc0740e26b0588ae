import { lang } from '../i18n/i18n.svelte'

// Times, shares and numbers as people read them.

// span is a duration in seconds: 0:07, 12:30, 1:02:03.
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(s / 3600)
  const m = Math.floor(s / 60) % 60
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`
}

// secondsSince is how long ago a moment of the server's was.
export const secondsSince = (moment: string | undefined, now: number) => (moment ? Math.max(0, (now - Date.parse(moment)) / 1000) : 0)

// decimal is a number with so many places after its comma or point.
export const decimal = (n: number, places: number) => new Intl.NumberFormat(lang.value, { minimumFractionDigits: places, maximumFractionDigits: places }).format(n)

export const percent = (share: number) => `${decimal(100 * share, 1)} %`

// at is a moment on a wall clock; zone: of somebody else.
export function at(moment: string | number, lang: string, zone?: string, options: Intl.DateTimeFormatOptions = { timeStyle: 'short' }): string {
  return new Intl.DateTimeFormat(lang, { ...options, timeZone: zone, hourCycle: 'h23' }).format(new Date(moment))
}

// localDay is the date at a place, 2026-03-02.
export function localDay(now: number, zone: string | undefined): string {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(now)
  const part = (type: string) => parts.find((p) => p.type === type)?.value
  return `${part('year')}-${part('month')}-${part('day')}`
}

// daysFrom are n dates from one on.
export function daysFrom(day: string, n: number): string[] {
  const first = Date.parse(day + 'T00:00:00Z')
  return Array.from({ length: n }, (_, i) => new Date(first + i * 86_400_000).toISOString().slice(0, 10))
}
