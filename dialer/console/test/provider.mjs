// Sign-in with a provider on another site: there and back, what the page says where that
// came to nothing, and the password of the one who still has one.
import assert from 'node:assert/strict'
import { look, open } from './browser.mjs'

const { OUTPACE_URL: base } = process.env
const { browser, page, faults } = await open(base + '/desk')
const found = []
const alert = (text) => page.waitForFunction((text) => document.querySelector('[role=alert]')?.textContent.includes(text), text)
const language = (l) => page.selectOption('header select:last-of-type', l)

async function through() {
  await page.click('a.provider')
  await page.waitForSelector('text=It is me')
  await page.click('a')
}

try {
  await page.waitForSelector('a.provider >> text=Sign in with Example')
  assert.equal(await page.locator('input[name=password]').isVisible(), false)
  await look(page, 'provider', found)
  await through()
  await page.waitForSelector('[data-state=offline]') // the desk, which was asked for
  assert.equal(page.url(), base + '/desk')
  const cookies = await page.context().cookies(base)
  assert.deepEqual(cookies.map((c) => [c.httpOnly, c.sameSite]), [[true, 'Strict']])
  assert.equal(await page.evaluate(() => document.cookie), '')
  await page.reload()
  await page.waitForSelector('header >> text=nina')

  // Signed out here, and there: the provider shows so on its own site, and the way back is
  // to a page on which nobody is signed in.
  await page.click('header button.link')
  await page.click('a >> text=Signed out')
  await page.waitForSelector('a.provider')
  assert.equal(page.url(), base + '/')
  assert.deepEqual(await page.context().cookies(base + '/api/v1/logout'), [])
  await page.goto(base + '/desk')
  await through()
  await alert('Example knows you, but you may not use this product.')
  assert.equal(page.url(), base + '/desk')
  await look(page, 'provider-refused', found)
  await language('pl')
  await alert('ale nie masz dostępu do tego programu')
  await page.waitForSelector('a.provider >> text=Zaloguj przez Example')
  await language('zh')
  await alert('但您无权使用本系统')
  await page.waitForSelector('a.provider >> text=使用 Example 登录')
  await language('en')

  // What stands in the address, anybody can write.
  for (const [code, text] of [['provider_down', 'Example does not answer.'], ['not_begun_here', 'was not begun in this browser'], ['<img src=x>', 'The log of the server says why.']]) {
    await page.goto('about:blank')
    await page.goto(`${base}/#refused=${encodeURIComponent(code)}`)
    await alert(text)
    assert.equal(page.url(), base + '/')
  }

  await page.click('summary')
  await page.fill('input[name=user]', 'boss')
  await page.fill('input[name=password]', 'wrong')
  await page.click('details button')
  await alert('Passwords are for emergencies here.')
  await look(page, 'provider-emergency', found)
  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  console.error(error, { faults, found, url: page.url(), body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
}
