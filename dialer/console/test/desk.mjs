// An operator's day at the built page, by keyboard. test/e2e starts it beside a whole
// product with a simulated carrier, and looks at what came of it in the store.
import assert from 'node:assert/strict'
import { listenIn, look, open, patience } from './browser.mjs'

const { OUTPACE_URL: base, OUTPACE_USER: user, OUTPACE_PASSWORD: password, OUTPACE_MICROPHONE: microphone } = process.env
const { browser, page, faults } = await open(base + '/desk', { args: [`--use-file-for-fake-audio-capture=${microphone}`], before: listenIn })
const found = [] // by axe

const state = (s) => page.waitForSelector(`[data-state="${s}"]`, { timeout: patience })
const key = (k) => page.keyboard.press(k)
const text = (selector) => page.textContent(selector)
let last = ''

// heard waits for the customer's tone, 700 Hz, in what the page plays.
const heard = () => page.waitForFunction(() => Math.abs(globalThis.loudest() - 700) < 30)

// nextCall waits for a person whom we have not talked to yet.
async function nextCall() {
  await page.waitForFunction((last) => {
    const at = document.querySelector('[data-person]')?.getAttribute('data-person')
    return at && at !== last && document.querySelector('[data-state="talking"]')
  }, last)
  last = await page.getAttribute('[data-person]', 'data-person')
  await heard() // they answer to our tone
}

async function write(note) {
  await key('n')
  await page.waitForFunction(() => document.activeElement instanceof HTMLTextAreaElement)
  await page.keyboard.type(note)
  await key('Escape')
}

try {
  // Sign in.
  await page.waitForSelector('input[name=user]')
  await look(page, 'sign-in', found)
  await page.fill('input[name=user]', user)
  await page.fill('input[name=password]', 'surely wrong it is')
  await key('Enter')
  await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent?.includes('wrong password'))
  await look(page, 'sign-in-wrong', found)
  await page.fill('input[name=password]', password)
  await key('Enter')
  await state('offline')
  await page.waitForSelector('[data-connection=live]')
  await look(page, 'offline', found)

  // A phone, and on duty.
  await page.click('[data-phone] button:last-of-type')
  await page.waitForSelector('dialog[open] meter')
  await page.waitForFunction(() => document.querySelector('dialog[open] meter')?.value > 0.2) // the fake microphone beeps
  await look(page, 'phone', found)
  await key('Escape')
  await page.click('[data-phone] button:first-of-type')
  await page.waitForSelector('[data-phone=connected]')
  await page.click('[data-state=offline] button.main')
  await state('paused')
  await look(page, 'paused', found)

  // First call: the outcome is chosen during the talk.
  await key('r')
  await state('ready')
  await nextCall()
  assert.match(await text('[data-person] h3'), /^Lead \d+$/)
  assert.match(await text('[data-person]'), /Their time.*\d\d:\d\d/s)
  assert.match(await text('[data-person]'), /First attempt of this campaign/)
  assert.match(await text('.text'), /Am I speaking with Lead \d+\?/)
  await write('wants the fast one')
  await key('g')
  await page.waitForFunction(() => document.querySelector('[aria-current=step]')?.textContent?.includes('Offer'))
  await key('1')
  await page.waitForSelector('button[aria-pressed=true]')
  await look(page, 'talking', found)
  await key('h')
  await state('ready')

  // Second call: the customer is let go first, the outcome comes after.
  await nextCall()
  await key('h')
  await state('wrapping')
  await write('no money')
  await look(page, 'wrapping', found)
  await key('2')
  await state('ready')

  // Third call: the page is loaded again in mid-call, without what this browser kept.
  await nextCall()
  const third = last
  await write('ask again about the router')
  await page.waitForFunction(() => /Kept at/.test(document.body.textContent))
  await page.evaluate(() => localStorage.clear())
  const before = Date.now()
  await page.reload()
  await state('talking')
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'ask again about the router')
  console.log(`reload: the same call and its draft after ${Date.now() - before} ms`)
  assert.equal(await page.getAttribute('[data-person]', 'data-person'), third)
  await page.waitForSelector('[data-phone=connected]')
  await heard()
  console.log(`reload: the customer is heard again after ${Date.now() - before} ms`)

  // The session ends in mid-call: what is written is kept over the sign-in, the line goes on.
  // No script can read the session.
  assert.equal(await page.evaluate(() => document.cookie + JSON.stringify([{ ...sessionStorage }, { ...localStorage }])).then((kept) => /dlr_|outpace-\d/.exec(kept)), null)
  await page.evaluate(async () => { // taken back elsewhere: who signs out themselves ends their shift
    const { items } = await (await fetch('/api/v1/tokens?limit=1000')).json()
    const [present] = items.filter((one) => one.name === 'session').sort((a, b) => b.created_at.localeCompare(a.created_at))
    await fetch(`/api/v1/tokens/${present.id}`, { method: 'DELETE' })
  })
  await key('n')
  await page.waitForFunction(() => document.activeElement instanceof HTMLTextAreaElement)
  await key('End')
  await page.keyboard.type(' and the box')
  await page.waitForFunction(() => document.querySelector('[role=alert]')?.textContent?.includes('session is over'))
  await look(page, 'session-over', found)
  await page.fill('input[name=user]', user)
  await page.fill('input[name=password]', password)
  await key('Enter')
  await state('talking')
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'ask again about the router and the box')
  assert.equal(await page.getAttribute('[data-person]', 'data-person'), third)
  await page.waitForSelector('[data-phone=connected]')
  await heard()

  await key('3')
  await page.waitForSelector('dialog[open] input[name=time]')
  await page.selectOption('dialog[open] select', { index: 1 }) // tomorrow, a whole day
  await page.waitForSelector('dialog[open] s[data-closed$="T07:30"]')
  assert.match(await text('dialog[open]'), /DEMO.*08:00-21:00/s) // the rule is named
  assert.equal(await page.locator('dialog[open] s[data-closed$="T08:00"]').count(), 0)
  await look(page, 'callback', found)
  await page.check('dialog[open] input[value$="T10:30"]')
  await key('Enter')
  await page.waitForSelector('dialog[open]', { state: 'detached' })
  await page.waitForSelector('button[aria-pressed=true]')

  // A pause after this call, taken back and asked for again.
  await key('p')
  await page.waitForSelector('dialog[open] .reasons')
  await look(page, 'pause', found)
  await key('2')
  await page.waitForFunction(() => document.querySelector('[data-state]')?.textContent?.includes('Pause after this call: lunch'))
  await key('r')
  await page.waitForFunction(() => !document.querySelector('[data-state]')?.textContent?.includes('Pause after this call: lunch'))
  await key('p')
  await key('1')
  await page.waitForFunction(() => document.querySelector('[data-state]')?.textContent?.includes('Pause after this call: break'))
  await page.waitForTimeout(500)
  assert.match(await text('button[aria-pressed=true]'), /Call back/) // the digits of the menu chose no outcome
  await key('h')
  await state('paused')
  assert.match(await text('[data-state]'), /break/)

  // The server is not heard for a while: said in words, and over by itself.
  await page.route('**/api/v1/events/stream*', (route) => route.abort())
  await page.reload()
  await page.waitForSelector('[data-connection=lost]')
  await look(page, 'connection-lost', found)
  await page.unroute('**/api/v1/events/stream*')
  await page.waitForSelector('[data-connection=live]')
  await state('paused')
  await page.waitForSelector('[data-phone=connected]')

  // Fourth call, with the keys off: they do nothing until they are on again.
  await key('?')
  await page.waitForSelector('dialog[open]')
  await look(page, 'keys', found)
  await page.uncheck('dialog[open] input[type=checkbox]')
  await key('Escape')
  await key('r')
  await page.waitForTimeout(300)
  assert.equal(await page.locator('[data-state=paused]').count(), 1)
  await page.click('button.link:has(kbd)')
  await page.check('dialog[open] input[type=checkbox]')
  await key('Escape')
  await key('r')
  await nextCall()
  await key('m')
  await page.waitForFunction(() => document.querySelector('[data-state]')?.textContent?.includes('You are muted'))
  await look(page, 'muted', found)
  await key('m')
  await page.waitForFunction(() => !document.querySelector('[data-state]')?.textContent?.includes('You are muted'))
  await key('h')
  await state('wrapping')
  await page.click('[data-state=wrapping] button:last-of-type') // off duty after this call
  await page.waitForFunction(() => document.querySelector('[data-state]')?.textContent?.includes('Off duty after this call'))
  await key('6')
  await state('offline')
  await page.waitForSelector('[data-talks="4"]')

  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  await page.screenshot({ path: new URL('../shots/failed.png', import.meta.url).pathname }).catch(() => undefined)
  console.error(error, { faults, found, body: (await text('body').catch(() => '')).replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
}
