import { mount } from 'svelte'
import App from './App.svelte'
import { loadLanguage } from './i18n/i18n.svelte'
import { applyTheme } from './lib/theme.svelte'
import './app.css'

applyTheme()
await loadLanguage()
mount(App, { target: document.body })
