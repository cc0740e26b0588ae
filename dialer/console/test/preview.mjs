// An operator of a preview campaign: one lead is skipped, the next one called, by
// keyboard; the other languages show the same. Before it somebody is looked up who may not
// be called any more, and why is said.
import assert from 'node:assert/strict'
import { listenIn, look, open, patience } from './browser.mjs'

const { OUTPACE_LINK: link, OUTPACE_MICROPHONE: microphone } = process.env
const { browser, page, faults } = await open(link, { args: [`--use-file-for-fake-audio-capture=${microphone}`], before: listenIn })
const found = []
const state = (s) => page.waitForSelector(`[data-state="${s}"]`, { timeout: patience })

try {
  await state('offline')
  await page.click('[data-phone] button:first-of-type')
  await page.waitForSelector('[data-phone=connected]')
  await page.click('[data-state=offline] button.main')
  await state('paused')
  await page.keyboard.press('a')
  await page.fill('[data-manual] input', 'Lead')
  await page.waitForSelector('[data-manual] li')
  await look(page, 'manual', found)
  await page.locator('[data-manual] li').filter({ hasText: /; done/ }).first().getByRole('button').click()
  await page.waitForFunction(() => /is done in this campaign/.test(document.querySelector('[data-manual] [role=alert]')?.textContent ?? ''))
  await look(page, 'manual-refused', found)
  await page.click('[data-manual] button.link')
  await page.waitForFunction(() => /was not placed/.test(document.querySelector('[data-own=lead_done]')?.textContent ?? ''))
  await page.keyboard.press('r')
  await page.waitForFunction(() => /Look at the lead/.test(document.querySelector('[data-state=ready]')?.textContent ?? ''))
  const first = await page.textContent('[data-person] h3')
  await look(page, 'preview', found)
  await page.keyboard.press('s')
  await page.waitForFunction((first) => {
    const name = document.querySelector('[data-person] h3')?.textContent
    return name && name !== first
  }, first)
  const second = await page.textContent('[data-person] h3')
  await page.selectOption('header select:last-of-type', 'pl')
  await page.keyboard.press('d')
  await page.waitForFunction(() => /W rozmowie/.test(document.querySelector('[data-state=talking]')?.textContent ?? ''))
  assert.equal(await page.textContent('[data-person] h3'), second)
  await page.selectOption('header select:last-of-type', 'zh')
  await page.waitForFunction(() => /通话中/.test(document.querySelector('[data-state=talking]')?.textContent ?? ''))
  await page.keyboard.press('h')
  await state('wrapping')
  await page.click('[data-state=wrapping] button:last-of-type')
  await page.keyboard.press('2')
  await state('offline')
  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  console.error(error, { faults, found, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
}
