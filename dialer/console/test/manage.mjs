// The managers' pages: campaigns, with mistakes that are shown at their fields and a change
// that somebody else was faster with.
import assert from 'node:assert/strict'
import { look, open } from './browser.mjs'

const { OUTPACE_LINK: link } = process.env
const { browser, page, faults } = await open(link)
const found = []
const says = (selector, words) => page.waitForFunction(([selector, words]) => document.querySelector(selector)?.textContent?.includes(words), [selector, words])
const texts = 'section[aria-labelledby=texts]'
const pace = 'section[aria-labelledby=pace]'
const go = (name) => page.click(`header nav a[href="/${name}"]`)

try {
  // Campaigns.
  await go('campaigns')
  await page.waitForSelector('tbody a[href^="/campaigns#"]')
  await look(page, 'campaigns', found)
  await page.click('tbody a[href^="/campaigns#"]')
  await page.waitForSelector('[data-campaign=running]')
  await look(page, 'campaign', found)

  // Mistakes stand at their fields; the first has the focus.
  await page.fill('textarea[name=script]', '# Greeting\n- yes -> Nowhere')
  await page.fill('input[name=crm]', 'ftp://crm.example/{phone}')
  await page.click(`${texts} button:has-text("Add a field")`)
  await page.locator('input[name=field-name]').last().fill('a/b')
  await page.click(`${texts} button.main`)
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'script' && document.activeElement.getAttribute('aria-invalid') === 'true')
  await says(texts, 'Nowhere')
  await says(texts, 'is not an http or https address')
  await says(texts, '3 to correct')
  assert.equal(await page.locator('[aria-invalid=true]').count(), 3)
  await look(page, 'campaign-wrong', found)

  // Somebody else is faster: nothing is lost, and nothing of theirs either.
  await page.fill('textarea[name=script]', '# Greeting\n- yes -> Offer\n\n# Offer\nA fifth less.')
  await page.fill('input[name=crm]', 'https://crm.example/{phone}')
  await page.locator('input[name=field-name]').last().fill('reached by')
  const id = await page.evaluate(() => location.hash.slice(1))
  await page.evaluate((id) => fetch(`/api/v1/campaigns/${id}/pacing`, { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'If-Match': '*' }, body: '{"min_breath": 7}' }), id)
  await page.click(`${texts} button.main`)
  await says(`${texts} [role=alert]`, 'Somebody else has changed this campaign')
  await look(page, 'campaign-conflict', found)
  await page.click(`${texts} button:has-text("Keep mine")`)
  await says(texts, 'Yours is put over the present version')
  await page.click(`${texts} button.main`)
  await says(`${texts} [role=status]`, 'Saved.')
  await page.fill('input[name=max_ratio]', '0.5')
  await page.fill('input[name=min_ratio]', '2')
  await page.click(`${pace} button.main`)
  await page.waitForSelector('input[name=max_ratio][aria-invalid=true]')
  await page.fill('input[name=max_ratio]', '3')
  await page.click(`${pace} button.main`)
  await says(`${pace} [role=status]`, 'Saved.')
  await page.reload()
  await page.waitForSelector('input[name=max_ratio]')
  assert.equal(await page.inputValue('input[name=max_ratio]'), '3')
  assert.equal(await page.inputValue('input[name=breath]'), '7')
  assert.match(await page.inputValue('textarea[name=script]'), /A fifth less/)
  assert.equal(await page.locator('input[name=field-name]').last().inputValue(), 'reached by')

  // Paused and started again; stopping asks first.
  await page.click('button:has-text("Pause")')
  await page.waitForSelector('[data-campaign=paused]')
  await page.click('button:has-text("Stop")')
  await page.waitForSelector('dialog[open]')
  await look(page, 'campaign-stop', found)
  await page.keyboard.press('Escape')
  await page.click('button:has-text("Start")')
  await page.waitForSelector('[data-campaign=running]')

  // Calls: how they sounded.
  await go('calls')
  await page.waitForSelector('section[aria-labelledby=calls] [data-mos=customer]')
  await look(page, 'calls', found)
  await page.locator('section[aria-labelledby=calls] button:has-text("Play")').first().click()
  await page.waitForSelector('section[aria-labelledby=calls] audio')
  await look(page, 'calls-playing', found)

  // Lists: a file is tried, then imported; bad rows are named by line.
  await go('lists')
  await page.waitForSelector('[data-waterfall] tbody tr:nth-child(7)')
  const file = { name: 'fair.csv', mimeType: 'text/csv', buffer: Buffer.from('name,phone\nAda,+12125550101\nBob,12\nCid,+12125550103\n') }
  await page.setInputFiles('input[name=file]', file)
  await page.fill('input[name=list]', 'fair')
  await page.fill('input[name=source]', 'a fair')
  await page.click('button[name=try]')
  await page.waitForSelector('[data-report=tried]')
  await says('section[aria-labelledby=import] caption + thead + tbody', '3phone')
  assert.equal(await page.locator('[data-list=fair]').count(), 0)
  await look(page, 'lists', found)
  await page.click('button[name=import]')
  await page.waitForSelector('[data-report=done]')
  await says('[data-list=fair]', 'a fair')
  await page.fill('input[name=number]', '+12125550101')
  await page.keyboard.press('Enter')
  await page.waitForSelector('section[aria-labelledby=why-not] h3, section[aria-labelledby=why-not] p.soft')
  await look(page, 'lists-imported', found)

  // Do-not-call: a file is tried, then goes on the list.
  await page.fill('input[name=dnc-reason]', 'register of May')
  await page.setInputFiles('input[name=dnc-file]', { name: 'dnc.csv', mimeType: 'text/csv', buffer: Buffer.from('phone,name\n+48601100201,A\nnone,B\n') })
  await page.click('button[name=try-dnc]')
  await page.waitForSelector('[data-dnc=tried]')
  await page.click('button[name=import-dnc]')
  await page.waitForSelector('[data-dnc=done]')
  await look(page, 'lists-do-not-call', found)

  // Webhooks: a wrong address, then one; its secret once; told something, and again.
  await go('webhooks')
  await page.click('button:has-text("Add an endpoint")')
  await page.fill('input[name=webhook-id]', 'crm')
  await page.fill('input[name=webhook-url]', 'ftp://hooks.example/outpace')
  await page.check('input[value="call.finished"]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('input[name=webhook-url][aria-invalid=true]')
  await look(page, 'webhook-wrong', found)
  await page.fill('input[name=webhook-url]', 'https://hooks.invalid/outpace')
  await page.keyboard.press('Enter')
  await says('dialog[open] [data-secret]', 'whsec_')
  await look(page, 'webhook-secret', found)
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => !document.documentElement.outerHTML.includes('whsec_'))
  await page.click('[data-webhook=crm] button:has-text("Test")')
  await page.waitForSelector('[data-delivery=waiting] .bad') // nobody is there
  await page.click('[data-delivery] button:has-text("Tell again")')
  await says('section[aria-labelledby=deliveries] [role=status]', 'It is told again.')
  await look(page, 'webhooks', found)
  await page.click('[data-webhook=crm] button:has-text("Change")')
  await page.waitForSelector('h2#webhook:focus')
  await look(page, 'webhook-edit', found)
  await page.click('section[aria-labelledby=webhook] button:has-text("Cancel")')
  await page.click('[data-webhook=crm] button:has-text("Delete")')
  await page.waitForSelector('dialog[open] button.bad')
  await look(page, 'webhook-delete', found)
  await page.click('dialog[open] button.bad')
  await says('section[aria-labelledby=webhooks]', 'Nobody is told anything yet.')

  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  await page.screenshot({ path: new URL('../shots/failed.png', import.meta.url).pathname }).catch(() => undefined)
  console.error(error, { faults, found, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
}
