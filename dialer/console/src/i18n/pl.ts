import type { Messages } from './i18n.svelte'
export const pl = {} as Messages
