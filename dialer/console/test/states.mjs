// States that a floor is in for a moment only, or on a bad day: the server's part is
// played by told.mjs, where it is not the server's own. And the pages of somebody who may
// look at campaigns and change nothing, and the page of a binary without the console.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { look, open, plainDresses } from './browser.mjs'
import { answer, desks, floors, history, listenToTest, tell, trunks } from './told.mjs'

const { OUTPACE_URL: base, OUTPACE_DESK: deskLink, OUTPACE_LIVE: liveLink, OUTPACE_READ: readLink, OUTPACE_USER: user, OUTPACE_PASSWORD: password } = process.env
const found = []
const all = []
let page

async function visit(link, act, options) {
  const opened = await open(link, options)
  page = opened.page
  all.push(opened.faults)
  try {
    await act()
  } catch (error) {
    await page.screenshot({ path: new URL('../shots/failed.png', import.meta.url).pathname, fullPage: true }).catch(() => undefined)
    console.error(error, { found, faults: all, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
    process.exitCode = 1
  } finally {
    await opened.browser.close()
  }
}

async function desk() {
  const paths = '/api/v1/operator'
  let view
  await page.route((url) => url.pathname === paths, (route) => route.fulfill({ json: { ...view, idle: 'resting', phone: { kind: 'none', connected: false } } }))
  await answer(page, `${paths}/figures`, { since: new Date().toISOString(), talks: 12, talk_seconds: 2710, wrap_seconds: 400, ready_seconds: 300, pause_seconds: 660, usual_wait_seconds: 45, dispositions: {} })
  await answer(page, `${paths}/history`, history)
  await answer(page, `${paths}/colleagues`, [{ id: 'bert', name: 'Bert', state: 'ready' }, { id: 'celine', name: 'Céline', state: 'wrapping' }])
  await answer(page, `${paths}/campaigns`, [{ id: 'spring', name: 'Spring renewals', mode: 'predictive' }, { id: 'autumn', name: 'Autumn', mode: 'ratio' }])
  await page.route((url) => url.pathname === `${paths}/draft`, (route) =>
    route.request().method() === 'PUT' ? route.abort() : route.fulfill({ json: { attempt: 'a-6', name: 'Ada', note: 'Has moved.\nNew address by mail.', fields: { contract: '2027-01-31' } } }))
  for (const [name, told] of Object.entries(desks)) {
    view = { user: 'ann', since: new Date().toISOString(), ...told }
    await tell(page, 'operator', view)
    await page.waitForSelector(`[data-state=${told.state}]`)
    await look(page, `desk-${name}`, found)
  }

  // Whom the customer can go to; notes that reach the server no more.
  view = { user: 'ann', since: new Date().toISOString(), ...desks['called-us'], transfer_numbers: ['+48221110000'], phone_away: false }
  await tell(page, 'operator', view)
  await page.waitForSelector('[data-talk=bridged]', { state: 'attached' })
  await page.fill('textarea', 'Wants it in writing.')
  await page.waitForFunction(() => /Kept on this computer only/.test(document.body.textContent))
  await look(page, 'desk-notes', found)
  await page.keyboard.press('Escape')
  await page.keyboard.press('t')
  await page.waitForSelector('dialog[open] input[value="campaign/autumn"]')
  await look(page, 'desk-transfer', found)
  await page.keyboard.press('Escape')

  // Why there is no headset.
  await page.evaluate(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))))
  await page.click('[data-phone] button:first-of-type')
  await page.waitForSelector('[data-phone=failed]')
  await look(page, 'desk-no-headset', found)
}

async function live() {
  await answer(page, '/api/v1/trunks/figures', trunks)
  for (const [name, told] of Object.entries(floors)) {
    await tell(page, 'live', told)
    await page.waitForFunction((n) => document.querySelectorAll('article').length === n, told.campaigns.length)
    await page.waitForSelector('[data-trunk=down]')
    await look(page, name, found)
  }
}

async function read() {
  await page.click('header nav a[href="/campaigns"]')
  await page.click('tbody a[href="/campaigns#shown"]')
  await page.waitForSelector('section[aria-labelledby=rules]')
  assert.equal(await page.locator('section form button.main').count(), 0)
  await page.waitForSelector('[data-waterfall] tbody tr')
  await look(page, 'campaign-read', found)
}

// The page of a binary that was built without the console, from its folder.
async function plain() {
  for (const [path, file, type] of [['/plain', 'index.html', 'text/html'], ['/live.js', 'live.js', 'text/javascript'], ['/live.css', 'live.css', 'text/css']]) {
    const body = readFileSync(new URL(`../plain/${file}`, import.meta.url))
    await page.route((url) => url.pathname === path, (route) => route.fulfill({ body, contentType: `${type}; charset=utf-8` }))
  }
  await page.goto(`${base}/plain`)
  await page.waitForSelector('#login:not([hidden])')
  await look(page, 'plain-sign-in', found, plainDresses)
  await page.fill('input[name=user]', user)
  await page.fill('input[name=password]', password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('article form')
  await look(page, 'plain', found, plainDresses)
}

await visit(deskLink, desk, { before: listenToTest })
await visit(liveLink, live, { before: listenToTest })
await visit(readLink, read)
await visit(base, plain)
if (!process.exitCode && (found.length || all.flat().length)) {
  console.error({ found, faults: all.flat() })
  process.exitCode = 1
}
