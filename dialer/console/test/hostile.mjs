// Markup in everything that others write: the pages show it as text, and none of it runs.
// The test that started this has the far ends; what it wants to be seen comes by name of
// the field.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { open, patience } from './browser.mjs'

const { OUTPACE_DESK: deskLink, OUTPACE_LIVE: liveLink } = process.env
const [duty, pause, floor, talk, past] = ['DUTY', 'PAUSE', 'FLOOR', 'TALK', 'PAST'].map((name) => JSON.parse(process.env[`OUTPACE_${name}`]))

// trap runs in each page before its own script. It notes what ran, and what the policy
// kept from running: that was markup all the same.
function trap() {
  globalThis.caught = { ran: [], kept: [] }
  globalThis.ran = (field) => globalThis.caught.ran.push(field)
  document.addEventListener('securitypolicyviolation', (e) => globalThis.caught.kept.push(`${e.violatedDirective}: ${e.sample || e.blockedURI}`))
}

const { browser, page: desk, faults } = await open(deskLink, { before: trap })
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' })
const live = await context.newPage()
await live.addInitScript(trap)
live.setDefaultTimeout(patience)

const said = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function step(name) {
  console.log(`step ${name}`)
  await said.next()
}

// shown waits until a page says all of it, letter by letter, and wants no element of it.
async function shown(page, texts) {
  for (const [field, text] of Object.entries(texts)) {
    await page.waitForFunction((text) => document.body.textContent.includes(text), text).catch(() => assert.fail(`${page.url()} does not show ${field} as it is written`))
  }
  await harmless(page)
}

async function harmless(page) {
  assert.deepEqual(await page.evaluate(() => globalThis.caught), { ran: [], kept: [] })
  assert.equal(await page.locator('img[src=x], [onerror], body script:not([src])').count(), 0)
}

// The trap works, and so does the policy: markup that a page takes for such is noticed,
// and does not run. Without the policy it runs.
async function control(page) {
  const markup = talk.lead
  await page.evaluate((markup) => document.body.insertAdjacentHTML('beforeend', markup), markup)
  await page.waitForFunction(() => globalThis.caught.kept.length > 0)
  const caught = await page.evaluate(() => globalThis.caught)
  assert.match(caught.kept[0], /^script-src/)
  assert.deepEqual(caught.ran, [])
  await page.goto('about:blank')
  await page.evaluate((markup) => document.body.insertAdjacentHTML('beforeend', markup), markup)
  await page.waitForFunction(() => globalThis.caught.ran.includes('lead'))
}

try {
  await live.goto(liveLink)
  await desk.waitForSelector('[data-state=offline] select')
  await shown(desk, duty)
  await step('duty')
  await shown(desk, pause)
  await shown(live, { ...floor, ...pause })
  await step('paused')
  await desk.waitForSelector('[data-state=talking]')
  await desk.keyboard.press('t') // the colleagues
  await shown(desk, talk)
  await desk.keyboard.press('Escape')
  await shown(live, { lead: talk.lead })
  await step('talked')
  await shown(desk, past)
  await step('again')
  await desk.waitForSelector('[data-state=ready], [data-state=paused]')
  for (const page of [desk, live]) await harmless(page)
  assert.deepEqual(faults, [])
  for (const page of [desk, live]) await control(page)
} catch (error) {
  console.error(error, { faults, body: ((await desk.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' '), live: ((await live.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
  process.stdin.destroy()
}
