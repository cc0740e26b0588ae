// What an operator does with a talk at the built page, by keyboard: hold, keys, somebody
// outside asked and conferred with, a colleague asked and given the customer. At each
// step the test that started this listens at the other ends, and says when to go on.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { listenIn, look, open, patience } from './browser.mjs'

const { OUTPACE_LINK: link, OUTPACE_COLLEAGUE: colleague, OUTPACE_MICROPHONE: microphone, OUTPACE_OUTSIDE: outside } = process.env
const { browser, page, faults } = await open(link, { args: [`--use-file-for-fake-audio-capture=${microphone}`], before: listenIn })
const found = []
const state = (s, at = page) => at.waitForSelector(`[data-state="${s}"]`, { timeout: patience })
const talk = (s, at = page) => at.waitForSelector(`[data-talk="${s}"]`, { timeout: patience, state: 'attached' }) // no words where it is plain
const words = (at = page) => at.textContent('[data-talk] [role=status]')
const key = (k) => page.keyboard.press(k)
const heard = (hz) => page.waitForFunction((hz) => Math.abs(globalThis.loudest() - hz) < 30, hz)

const said = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function step(name) {
  console.log(`step ${name}`)
  await said.next()
}

try {
  await state('offline')
  await page.click('[data-phone] button:first-of-type')
  await page.waitForSelector('[data-phone=connected]')
  await page.click('[data-state=offline] button.main')
  await state('paused')
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' })
  const other = await context.newPage() // of the colleague, who has a SIP phone
  await other.goto(colleague)
  await state('paused', other)
  await key('r')
  await talk('bridged')
  await step('talking')
  await heard(700)

  await key('o')
  await talk('held')
  assert.match(await words(), /on hold and hears music/)
  await look(page, 'held', found)
  await step('held')
  await key('o')
  await talk('bridged')
  await heard(700)
  await step('resumed')

  await key('k')
  await page.waitForSelector('dialog[open] .keys')
  await key('1')
  await key('2')
  await page.click('dialog[open] .keys button:has-text("#")')
  await look(page, 'keypad', found)
  assert.equal(await page.textContent('dialog[open] [role=status]'), '12#')
  await key('Escape')
  await page.waitForSelector('.keys', { state: 'detached' })
  await step('keys')

  // Somebody outside: not every number is allowed.
  await key('t')
  await page.waitForSelector('dialog[open] input[value="operator/bert"]:disabled') // who pauses is not asked
  await page.fill('dialog[open] input[name=number]', '+48 22 555 01 00')
  await key('Enter')
  await page.waitForFunction(() => /does not allow calls to that number/.test(document.querySelector('dialog[open] [role=alert]')?.textContent ?? ''))
  await look(page, 'transfer', found)
  await page.fill('dialog[open] input[name=number]', outside)
  await key('Enter')
  await talk('consulting')
  assert.match(await words(), /is there. The customer hears music/)
  await heard(1900)
  await look(page, 'consulting', found)
  await step('consulting')
  await key('c')
  await talk('conferring')
  await look(page, 'conferring', found)
  await step('conferring')
  await key('b')
  await talk('bridged')
  await step('back') // the colleague is ready then

  await key('t')
  await page.check('dialog[open] input[value="operator/bert"]:enabled')
  await key('Enter')
  await talk('consulting')
  await heard(1500)
  await page.waitForFunction(() => /^Bert is there/.test(document.querySelector('[data-talk] [role=status]')?.textContent ?? ''))
  await talk('consulting', other)
  await other.waitForFunction(() => /^Anna asks you/.test(document.querySelector('[data-talk] [role=status]')?.textContent ?? ''))
  assert.equal(await other.textContent('[data-person] h3'), await page.textContent('[data-person] h3'))
  assert.match(await other.textContent('body'), /Whoever asked you gives the outcome/)
  await look(other, 'asked', found)
  await step('asked')
  await key('t')
  await state('wrapping')
  await talk('bridged', other)
  await step('handed')
  await key('2')
  await state('ready')
  await look(page, 'ready', found) // nobody is left to call

  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  console.error(error, { faults, found, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
  process.stdin.destroy()
}
