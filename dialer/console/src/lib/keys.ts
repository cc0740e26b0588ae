// Single keys do what buttons do, except while somebody writes or a dialog is open.
// They can be switched off (WCAG 2.2, 2.1.4).
const off = 'keys-off'

export const keysOn = () => localStorage.getItem(off) === null
export const setKeys = (on: boolean) => (on ? localStorage.removeItem(off) : localStorage.setItem(off, '1'))

// writes says whether a key that is pressed there is text.
function writes(target: EventTarget | null) {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !['button', 'checkbox', 'radio', 'range', 'submit'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
}

// listenKeys calls act with each key that is a command; act says whether it was.
export function listenKeys(act: (key: string) => boolean): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && writes(event.target)) return (event.target as HTMLElement).blur()
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) return
    if (!keysOn() || writes(event.target) || document.querySelector('dialog[open]')) return
    if (act(event.key.toLowerCase())) event.preventDefault()
  }
  addEventListener('keydown', pressed)
  return () => removeEventListener('keydown', pressed)
}
