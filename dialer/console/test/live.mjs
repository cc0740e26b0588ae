// The manager's live page: a link signs in, figures move, the pace is changed.
import assert from 'node:assert/strict'
import { look, open } from './browser.mjs'

const { OUTPACE_LINK: link } = process.env
const { browser, page, faults } = await open(link)
const found = []

try {
  await page.waitForSelector('article h3')
  assert.match(await page.textContent('article'), /running/)
  await page.waitForFunction(() => /On a call|Paused|Off duty/.test(document.querySelector('tbody')?.textContent ?? ''))
  await page.fill('input[name=max_ratio]', '3')
  await page.click('article button.main')
  await page.waitForFunction(() => document.querySelector('article [role=status]')?.textContent === 'Done.')
  await page.waitForSelector('[data-trunk=up]')
  await look(page, 'live', found)
  await page.reload() // the link is used up, and the session goes on
  await page.waitForSelector('article h3')
  assert.equal(await page.inputValue('input[name=max_ratio]'), '3')

  // Somebody else is faster: theirs is shown, mine goes over it at the second try.
  const limit = await page.inputValue('input[name=limit]')
  await page.fill('input[name=max_ratio]', '4')
  await page.evaluate(() => fetch('/api/v1/campaigns/spring/pacing', { method: 'PATCH', headers: { 'Content-Type': 'application/json', 'If-Match': '*' }, body: '{"min_breath": 0.5}' }))
  const said = (words) => page.waitForFunction((words) => document.querySelector('article [role=status]')?.textContent?.includes(words), words)
  await page.click('article button.main')
  await said('Somebody else has changed this campaign')
  assert.deepEqual([await page.inputValue('input[name=max_ratio]'), await page.inputValue('input[name=min_breath]'), await page.inputValue('input[name=limit]')], ['4', '0.5', limit])
  await look(page, 'live-conflict', found)
  await page.click('article button.main')
  await said('Done.')
  assert.deepEqual(faults, [])
  assert.deepEqual(found, [])
} catch (error) {
  console.error(error, { faults, found, body: ((await page.textContent('body').catch(() => '')) ?? '').replace(/\s+/g, ' ') })
  process.exitCode = 1
} finally {
  await browser.close()
}
