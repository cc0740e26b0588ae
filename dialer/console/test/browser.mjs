// A page in headless Chromium, and what every browser test of the console asks of it.
import axe from 'axe-core'
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'

// A busy machine is slow; what is waited for comes in the end.
export const patience = 60_000

const shots = new URL('../shots/', import.meta.url).pathname
const all = process.env.OUTPACE_AXE === 'all'
const one = [{ width: 1280, height: 900, theme: 'light', language: 'en' }]
const every = [1280, 390].flatMap((width) =>
  ['light', 'dark'].flatMap((theme) => ['en', 'pl', 'zh'].map((language) => ({ width, height: 900, theme, language }))),
)

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
// both themes, all languages and two widths.
export async function look(page, name, found) {
  for (const at of all ? every : one) {
    await page.setViewportSize({ width: at.width, height: at.height })
    if (all) await dress(page, at)
    mkdirSync(shots, { recursive: true })
    await page.screenshot({ path: `${shots}${name}-${at.width}-${at.theme}-${at.language}.png`, fullPage: true })
    await page.evaluate(axe.source)
    const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
    for (const v of result.violations) found.push(`${name} (${at.width}, ${at.theme}, ${at.language}): ${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`)
  }
  await page.setViewportSize({ width: 1280, height: 900 })
  if (all) await dress(page, one[0])
}

// dress changes theme and language as their controls do; a dialog may be over them.
async function dress(page, { theme, language }) {
  await page.evaluate(([theme, language]) => {
    const [themes, languages] = document.querySelectorAll('header select')
    for (const [select, value] of [[themes, theme], [languages, language]]) {
      select.value = value
      select.dispatchEvent(new Event('change', { bubbles: true }))
    }
  }, [theme, language])
  await page.waitForFunction((l) => document.documentElement.lang === l, language)
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
