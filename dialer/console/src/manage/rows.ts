import { tick } from 'svelte'

// Rows of a form that are added, taken out and moved up: each is a fieldset with data-row,
// which names their kind. The focus goes where a keyboard goes on from.
type Pressed = MouseEvent & { currentTarget: HTMLElement }

async function focus(button: HTMLElement, kind: string, find: (rows: HTMLElement[]) => HTMLElement | null | undefined) {
  const form = button.closest('form') // asked before: the button may go
  await tick()
  const rows = [...(form?.querySelectorAll<HTMLElement>(`fieldset[data-row="${kind}"]`) ?? [])]
  ;(find(rows) ?? form?.querySelector<HTMLElement>(`button[data-add="${kind}"]`))?.focus()
}

const lastButton = (row: HTMLElement | undefined) => row && [...row.querySelectorAll('button')].at(-1)

export function addRow<T>(rows: T[], row: T, kind: string, { currentTarget }: Pressed) {
  rows.push(row)
  void focus(currentTarget, kind, (all) => all.at(-1)?.querySelector<HTMLElement>('input, select, textarea'))
}

export function dropRow<T>(rows: T[], at: number, kind: string, { currentTarget }: Pressed) {
  rows.splice(at, 1)
  void focus(currentTarget, kind, (all) => lastButton(all[Math.min(at, all.length - 1)]))
}

export function raiseRow<T>(rows: T[], at: number, kind: string, { currentTarget }: Pressed) {
  rows.splice(at - 1, 0, ...rows.splice(at, 1))
  void focus(currentTarget, kind, (all) => all[at - 1]?.querySelector<HTMLElement>('button[data-up]') ?? lastButton(all[at - 1]))
}
