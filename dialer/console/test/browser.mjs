// A page in headless Chromium, and what every browser test of the console asks of it.
import axe from 'axe-core'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

// A busy machine is slow; what is waited for comes in the end.
export const patience = 60_000

const shots = new URL('../shots/', import.meta.url).pathname
const all = process.env.OUTPACE_AXE === 'all'
const one = [{ width: 1280, height: 900, theme: 'light', language: 'en' }]
// every has the width outermost: what it changes is the most.
const every = [1280, 390].flatMap((width) =>
  ['light', 'dark'].flatMap((theme) => ['en', 'pl', 'zh'].map((language) => ({ width, height: 900, theme, language }))),
)

// plainDresses are those of a page that is in English alone.
export const plainDresses = all ? every.filter((at) => at.language === 'en') : one

export async function open(base, options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--autoplay-policy=no-user-gesture-required', ...(options.args ?? [])],
  })
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' })
  const page = await context.newPage()
  if (options.before) await page.addInitScript(options.before)
  page.setDefaultTimeout(patience)
  page.setDefaultNavigationTimeout(patience)
  const faults = []
  page.on('pageerror', (error) => faults.push(`error: ${error}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`)
  })
  await page.goto(base)
  return { browser, context, page, faults }
}

// look takes a picture of a state and has axe judge it: once, or with OUTPACE_AXE=all in
// both themes, all languages and two widths. The page stays as it is meanwhile: only its
// dress changes. What reaches beyond the window is found besides; axe does not look for it.
export async function look(page, name, found, dresses = all ? every : one) {
  const began = Date.now()
  mkdirSync(shots, { recursive: true })
  for (const at of dresses) {
    const where = `${name} (${at.width}, ${at.theme}, ${at.language})`
    await page.setViewportSize({ width: at.width, height: at.height })
    if (all) await dress(page, at)
    await page.screenshot({ path: `${shots}${name}-${at.width}-${at.theme}-${at.language}.png`, fullPage: true })
    if (!(await page.evaluate(() => !!globalThis.axe))) await page.evaluate(axe.source) // once a document
    const violations = await page.evaluate(judge)
    for (const v of violations) found.push(`${where}: ${v}`)
    for (const element of await page.evaluate(beyond)) found.push(`${where}: reaches beyond the window: ${element}`)
  }
  await page.setViewportSize({ width: 1280, height: 900 })
  if (all) await dress(page, one[0])
  leaf()
  console.log(`looked at ${name}: dresses ${dresses.length}, ${Date.now() - began} ms`)
}

// leaf makes the page to leaf through: all pictures there are, state by state.
function leaf() {
  const pictures = readdirSync(shots).filter((name) => /-(light|dark)-/.test(name)).sort()
  const figures = pictures.map((name) => `<figure><a href="${name}"><img loading="lazy" width="300" src="${name}" alt=""></a><figcaption>${name.slice(0, -4)}</figcaption></figure>`)
  const style = 'body{display:flex;flex-wrap:wrap;gap:1rem;font:13px sans-serif}figure{margin:0;width:300px}img{max-height:420px;object-fit:cover;object-position:top;border:1px solid}'
  writeFileSync(`${shots}index.html`, `<!doctype html><meta charset="utf-8"><title>States of the console</title><style>${style}</style>${figures.join('\n')}\n`)
}

// judge runs in the page: what axe finds, in words.
async function judge() {
  const result = await globalThis.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
  return result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`)
}

// beyond runs in the page: elements that are cut at the window's edge, or would be reached
// by scrolling sideways only (WCAG 2.2, 1.4.10). A table may scroll in a box of its own.
function beyond() {
  const width = document.documentElement.clientWidth
  const scrolls = (e) => e && e !== document.body && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement))
  const named = (e) => `${e.tagName.toLowerCase()}${e.className ? `.${e.className}` : ''} “${(e.textContent ?? '').trim().slice(0, 40)}”`
  const out = (e) => {
    const { left, right, width: wide } = e.getBoundingClientRect()
    return wide > 0 && (left < -1 || right > width + 1)
  }
  const modal = document.querySelector('dialog[open]')
  const cut = [...(modal ?? document.body).querySelectorAll('*')].filter((e) => out(e) && !e.closest('.unseen') && !scrolls(e.parentElement))
  const wider = [document.documentElement, modal].filter((e) => e && e.scrollWidth > e.clientWidth + 1)
  return [...wider, ...cut].slice(0, 5).map(named)
}

// dress changes theme and language as their controls do; a dialog may be over them. A page
// without them follows the system.
async function dress(page, { theme, language }) {
  await page.emulateMedia({ colorScheme: theme })
  const there = await page.evaluate(([theme, language]) => {
    const [themes, languages] = document.querySelectorAll('header select')
    if (!languages) return false
    for (const [select, value] of [[themes, theme], [languages, language]]) {
      select.value = value
      select.dispatchEvent(new Event('change', { bubbles: true }))
    }
    return true
  }, [theme, language])
  if (there) await page.waitForFunction((l) => document.documentElement.lang === l, language)
}

// listenIn runs in the page before its own script. The fake microphone is a tone, which
// the browser would suppress as noise; loudest() is the frequency in Hz that is the
// loudest in what comes in, 0 where nothing does.
export function listenIn() {
  const devices = navigator.mediaDevices
  const real = devices.getUserMedia.bind(devices)
  devices.getUserMedia = (want) => real({ ...want, audio: { ...want.audio, echoCancellation: false, noiseSuppression: false, autoGainControl: false } })
  let context, analyser
  const Line = globalThis.RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Line {
    constructor(...args) {
      super(...args)
      this.addEventListener('track', ({ track }) => {
        context ??= new AudioContext()
        analyser = context.createAnalyser()
        analyser.fftSize = 4096
        analyser.smoothingTimeConstant = 0 // what is heard now, and not a moment ago
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser)
      })
    }
  }
  globalThis.loudest = () => {
    if (!analyser) return 0
    const bins = new Float32Array(analyser.frequencyBinCount)
    analyser.getFloatFrequencyData(bins)
    const top = bins.indexOf(Math.max(...bins))
    return bins[top] > -60 ? (top * context.sampleRate) / analyser.fftSize : 0
  }
}
