// A day at the desk: ten calls by keyboard, from signing in to going off duty. The test
// that started this has the far ends, and listens at a colleague's phone.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { listenIn, look, open, patience } from './browser.mjs'

const { OUTPACE_URL: base, OUTPACE_USER: user, OUTPACE_PASSWORD: password, OUTPACE_MICROPHONE: microphone, OUTPACE_OUTSIDE: outside } = process.env
const { browser, context, page, faults } = await open(base + '/desk', { args: [`--use-file-for-fake-audio-capture=${microphone}`], before: listenIn })
const found = [] // by axe
const state = (s) => page.waitForSelector(`[data-state="${s}"]`, { timeout: patience })
const talk = (s) => page.waitForSelector(`[data-talk="${s}"]`, { timeout: patience, state: 'attached' })
const key = (k) => page.keyboard.press(k)
const says = (selector, words) => page.waitForFunction(([selector, words]) => document.querySelector(selector)?.textContent?.includes(words), [selector, words])
const heard = () => page.waitForFunction(() => Math.abs(globalThis.loudest() - 700) < 30, null, { polling: 50 })
const calls = []

const said = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
async function step(name) {
  console.log(`step ${name}`)
  await said.next()
}

// nextCall waits for the next person, and for their tone: they answer to ours. The tone
// of the one before is to be over by then; who is there sooner than that is seen for it.
async function nextCall() {
  await page.waitForFunction(() => Math.abs(globalThis.loudest() - 700) > 30, null, { polling: 20, timeout: 3000 }).catch(() => undefined)
  await page.waitForFunction((last) => {
    const at = document.querySelector('[data-person]')?.getAttribute('data-person')
    return at && at !== last && document.querySelector('[data-state="talking"]')
  }, calls.at(-1) ?? '')
  calls.push(await page.getAttribute('[data-person]', 'data-person'))
  await heard()
}

async function type(at, words) {
  await key(at)
  await page.waitForFunction(() => /^(TEXTAREA|INPUT|SELECT)$/.test(document.activeElement?.tagName))
  await page.keyboard.type(words)
  await key('Escape')
}

// outcome chooses one by its key during the talk.
async function outcome(k) {
  await key(k)
  await page.waitForSelector('button[aria-pressed=true] kbd')
}

// over lets the customer go and gives the outcome after that.
async function over(k) {
  await key('h')
  await state('wrapping')
  await key(k)
}

try {
  await page.fill('input[name=user]', user)
  await page.fill('input[name=password]', password)
  await key('Enter')
  await state('offline')
  await page.click('[data-phone] button:first-of-type')
  await page.waitForSelector('[data-phone=connected]')
  await page.click('[data-state=offline] button.main')
  await state('paused')
  await key('r')

  // 1: the script branches, an objection is met, a sale needs its date.
  await nextCall()
  await says('[aria-current=step]', 'Greeting')
  await key('u')
  await says('[aria-current=step]', 'Offer')
  await key('q')
  await key('Enter')
  await says('details[open]', 'What do you pay today?')
  await key('1')
  await says('[role=alert]', 'needs: Contract until')
  await page.waitForFunction(() => document.activeElement?.name === 'contract until')
  await look(page, 'form', found)
  await page.fill('input[name="contract until"]', '2027-01-31')
  await page.selectOption('select[name=supplier]', 'Other')
  await key('Escape')
  await type('n', 'wants the fast one')
  await outcome('1')
  await key('h')

  // 2: the outcome comes after the call.
  await nextCall()
  await over('2')

  // 3: the page is loaded again in mid-call, without what this browser kept.
  await nextCall()
  await type('n', 'ask about the router')
  await key('f')
  await page.waitForFunction(() => document.activeElement?.name === 'contract until')
  await page.fill('input[name="contract until"]', '2028-01-31')
  await key('Escape')
  await says('body', 'Kept at')
  await page.evaluate(() => localStorage.clear())
  await step('reload')
  await page.reload()
  await heard()
  console.log(`audio back after ${Math.round(await page.evaluate(() => performance.now()))} ms`)
  await step('back')
  await state('talking')
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'ask about the router')
  assert.equal(await page.inputValue('input[name="contract until"]'), '2028-01-31')
  assert.equal(await page.getAttribute('[data-person]', 'data-person'), calls.at(-1))
  await outcome('6')
  await key('h')

  // 4: a call back.
  await nextCall()
  await key('3')
  await page.waitForSelector('dialog[open] input[name=time]')
  await page.selectOption('dialog[open] select', { index: 1 }) // tomorrow, a whole day
  await page.check('dialog[open] input[value$="T10:30"]')
  await key('Enter')
  await page.waitForSelector('button[aria-pressed=true] kbd')
  await key('h')

  // 5: hold.
  await nextCall()
  await key('o')
  await talk('held')
  await page.waitForFunction(() => Math.abs(globalThis.loudest() - 700) > 30)
  await key('o')
  await talk('bridged')
  await heard()
  await over('2')

  // 6: somebody outside, and all three.
  await nextCall()
  await key('t')
  await page.fill('dialog[open] input[name=number]', outside)
  await key('Enter')
  await talk('consulting')
  await step('consulting')
  await key('c')
  await talk('conferring')
  await heard()
  await key('b')
  await talk('bridged')
  await outcome('6')
  await key('h')

  // 7: a colleague is asked, and takes the customer.
  await nextCall()
  await key('t')
  await page.check('dialog[open] input[value="operator/bert"]:enabled')
  await key('Enter')
  await talk('consulting')
  await step('asked')
  await key('t')
  await state('wrapping')
  await step('handed')
  await key('2')

  // 8: a pause after the call.
  await nextCall()
  await key('p')
  await key('1')
  await says('[data-state]', 'Pause after this call: break')
  await over('2')
  await state('paused')
  await key('r')

  // 9: never again.
  await nextCall()
  await outcome('5')
  await key('h')

  // 10: the last one.
  await nextCall()
  await page.click('[data-state=talking] button:last-of-type') // off duty after this call
  await says('[data-state]', 'Off duty after this call')
  await over('2')
  await state('offline')
  await page.waitForSelector('[data-talks="10"]')

  assert.equal(new Set(calls).size, 10)
  assert.equal(context.pages().length, 2) // the CRM keeps to its tab
  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  await page.screenshot({ path: new URL('../shots/failed.png', import.meta.url).pathname }).catch(() => undefined)
  console.error(`in call ${calls.length}`, error, { faults, found, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
  process.stdin.destroy()
}
