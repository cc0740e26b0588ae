// Dark or light: as the system is, until somebody chooses.
export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const kept = localStorage.getItem('theme')
let chosen = $state<Theme>(themes.find((t) => t === kept) ?? 'auto')

export const theme = {
  get value() {
    return chosen
  },
  set value(t: Theme) {
    chosen = t
    localStorage.setItem('theme', t)
    applyTheme()
  },
}

export function applyTheme() {
  document.documentElement.dataset.theme = chosen
}
