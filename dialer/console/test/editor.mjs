// A campaign is made and edited: mistakes stand at their fields, leads are counted while a
// filter is written, and what is not saved outlasts the session.
import assert from 'node:assert/strict'
import { look, open } from './browser.mjs'

const { OUTPACE_LINK: link, OUTPACE_USER: user, OUTPACE_PASSWORD: password } = process.env
const { browser, context, page, faults } = await open(link)
const found = []
const says = (selector, words) => page.waitForFunction(([selector, words]) => document.querySelector(selector)?.textContent?.includes(words), [selector, words])
const part = (name) => `section[aria-labelledby=${name}]`
const save = async (name) => {
  await page.click(`${part(name)} button.main`)
  await says(`${part(name)} p[role=status]:not([data-counted])`, 'Saved.')
}

try {
  // Made by keyboard; a name that is taken and a number that is none are said where they stand.
  await page.click('header nav a[href="/campaigns"]')
  await page.click('button:has-text("New campaign")')
  await page.waitForFunction(() => document.activeElement?.id === 'new')
  await page.keyboard.press('Tab')
  await page.keyboard.type('idle')
  await page.keyboard.press('Tab')
  await page.keyboard.type('Autumn')
  await page.keyboard.press('Tab')
  await page.keyboard.type('line')
  await page.keyboard.press('Tab')
  await page.keyboard.type('911')
  await page.check('input[name=lists][value=spring]')
  await page.click(`${part('new')} button.main`)
  await page.waitForSelector('input[name=new-id][aria-invalid=true]:focus')
  await says(part('new'), 'there is one of this name')
  await page.fill('input[name=new-id]', 'autumn')
  await page.click(`${part('new')} button.main`)
  await page.waitForSelector('textarea[name=new-callers][aria-invalid=true]:focus')
  await says(part('new'), 'is not an E.164 number')
  await look(page, 'campaign-new-wrong', found)
  await page.reload()
  await page.waitForSelector('[data-draft=new]')
  assert.equal(await page.inputValue('input[name=new-id]'), 'autumn')
  await page.fill('textarea[name=new-callers]', '+48221110000')
  await page.click(`${part('new')} button.main`)
  await page.waitForSelector('[data-campaign=stopped]')

  // Operators may call whom they choose, and people may call: each is one key; a number
  // that is none stands at its field.
  await page.focus('input[name=manual_dial]')
  await page.keyboard.press('Space')
  await save('basics')
  await page.click('nav button:has-text("People who call")')
  await page.waitForSelector('h2#inbound:focus')
  await page.keyboard.press('Tab')
  await page.waitForSelector('input[name=inbound]:focus')
  await page.keyboard.press('Space')
  await page.keyboard.press('Tab')
  await page.keyboard.type('+48221110009\n112')
  await page.fill('input[name=inbound-wait]', '45')
  await page.check('input[name=inbound-unknown]')
  await page.click(`${part('inbound')} button.main`)
  await page.waitForSelector('textarea[name=inbound-numbers][aria-invalid=true]:focus')
  await says(part('inbound'), '"112" is not an E.164 number')
  await look(page, 'campaign-inbound-wrong', found)
  await page.fill('textarea[name=inbound-numbers]', '+48221110009')
  await save('inbound')

  await page.click('nav button:has-text("Segments")')
  await page.waitForSelector('h2#segments:focus')

  // Segments: a wrong filter is said before anybody saves it, then leads are counted.
  await page.click(`${part('segments')} button:has-text("Add a segment")`)
  await page.fill('input[name=segment-name]', 'odd')
  await page.fill('textarea[name=segment-filter]', 'external_id endsWith')
  await page.waitForSelector('textarea[name=segment-filter][aria-invalid=true]')
  await look(page, 'segment-wrong', found)
  await page.fill('textarea[name=segment-filter]', 'external_id matches "[13]$"')
  await says('[data-segment=odd] [data-count]', 'matches: 2; it has: 2')
  await says('[data-counted]', 'not dialled: 2')
  await page.focus(`${part('segments')} button:has-text("Add a segment")`)
  await page.keyboard.press('Enter')
  await page.waitForSelector('input[name=segment-name]:focus')
  await page.locator('textarea[name=segment-filter]').last().fill('temperature == "warm"')
  await says('[data-segment=""] [data-count]', 'matches: 4; it has: 2')
  await page.click(`${part('segments')} button.main`)
  await page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'segment-name' && document.activeElement.getAttribute('aria-invalid') === 'true')
  await page.locator('input[name=segment-name]').last().fill('rest')
  await page.focus('button[aria-label="Segment 2 further up"]')
  await page.keyboard.press('Enter')
  await says('[data-segment=rest] [data-count]', 'it has: 4') // in the order of match
  await page.focus('button[aria-label="Segment 2 further up"]')
  await page.keyboard.press('Enter')
  await says('[data-segment=rest] [data-count]', 'it has: 2')
  await page.locator('input[name=segment-weight]').last().fill('3')
  await save('segments')
  await page.waitForSelector(`${part('fall')} [data-waterfall] tbody tr`)

  // Hours, a rule, and a wrong time at its field.
  await page.click(`${part('times')} button:has-text("Add hours")`)
  await page.fill('input[name=window-from]', '19:00')
  await page.click(`${part('times')} button:has-text("Add a rule")`)
  await page.fill('input[name=retry-minutes]', '90')
  await page.click(`${part('times')} button:has-text("Add a cap")`)
  await page.click(`${part('times')} button.main`)
  await page.waitForSelector('input[name=window-from][aria-invalid=true]')
  await says(part('times'), 'from 19:00 is not before to 18:00')
  await page.fill('input[name=window-from]', '10:30')
  await save('times')

  // The session ends in the middle of it: what was written stands there again.
  await page.click(`${part('dispositions')} button:has-text("Add a disposition")`)
  await page.locator('input[name=disposition-code]').last().fill('brochure')
  await page.locator('select[name=disposition-fate]').last().selectOption('callback')
  await page.fill('textarea[name=script]', '# Greeting\nGood day.')
  await look(page, 'campaign-edited', found)
  await context.clearCookies()
  await page.click(`${part('dispositions')} button.main`)
  await page.fill('input[name=user]', user)
  await page.fill('input[name=password]', password)
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-draft=dispositions]')
  await look(page, 'campaign-restored', found)
  assert.equal(await page.locator('input[name=disposition-code]').last().inputValue(), 'brochure')
  assert.equal(await page.inputValue('textarea[name=script]'), '# Greeting\nGood day.')
  assert.equal(await page.locator('[data-draft]').count(), 2)
  await save('dispositions')
  await page.waitForSelector('[data-draft=dispositions]', { state: 'detached' })

  // Somebody else has changed the script meanwhile: nothing of theirs is lost unseen.
  await page.evaluate(async () => {
    const path = '/api/v1/campaigns/autumn'
    const now = await fetch(path)
    await fetch(path, { method: 'PUT', headers: { 'Content-Type': 'application/json', 'If-Match': now.headers.get('ETag') }, body: JSON.stringify({ ...(await now.json()), script: '# Theirs' }) })
  })
  await page.reload()
  await says(`${part('texts')} [role=alert]`, 'Somebody else has changed this campaign')
  assert.equal(await page.inputValue('textarea[name=script]'), '# Greeting\nGood day.')
  await page.click(`${part('texts')} button:has-text("Keep mine")`)
  await says(`${part('texts')} [role=status]`, 'Yours is put over the present version')
  await save('texts')
  await page.reload()
  await page.waitForSelector('textarea[name=script]')
  assert.equal(await page.locator('[data-draft]').count(), 0)
  assert.equal(await page.isChecked('input[name=manual_dial]'), true)
  assert.equal(await page.inputValue('input[name=inbound-wait]'), '45')
  assert.equal(await page.inputValue('textarea[name=script]'), '# Greeting\nGood day.')

  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  await page.screenshot({ path: new URL('../shots/failed.png', import.meta.url).pathname, fullPage: true }).catch(() => undefined)
  console.error(error, { faults, found, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
}
