import type { Messages } from './i18n.svelte'
export const zh = {} as Messages
