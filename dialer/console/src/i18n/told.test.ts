import { expect, test, vi } from 'vitest'
import { loadLanguage } from './i18n.svelte'
import { sentences } from './told'
import { parts, told } from './told.svelte'

const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

test.each(sentences)('%s: the same is filled in', (en, pl, zh) => {
  expect(holes(pl)).toEqual(holes(en))
  expect(holes(zh)).toEqual(holes(en))
})

vi.stubGlobal('document', { documentElement: {} }) // whose language is set

// As dialer, pacing and campaigns/eligibility say it.
test.each([
  ['0 of 60 leads are ready; most are lost at ready: 60 are claimed or being called now', 'gotowe kontakty: 0 z 60; najwięcej odpada na bramce „gotowe do wybierania”: już pobrane do wybierania albo w trakcie połączenia: 60'],
  ['PL Europe/Warsaw Sat 17:02, saturday: 09:00-18:00', 'PL Europe/Warsaw sob. 17:02, sobota: 09:00-18:00'],
  ['no operator is at work', 'żaden operator nie pracuje'],
  ['PL: quiet after busy', 'PL: cisza po „zajęte”'],
  ['1.5 is outside 0 to 1', '1.5: dozwolone od 0 do 1'],
  ['1 of 2 operators free, 3 calls in flight; one more would find nobody with chance 1.2%, allowed 2.0% (0.4 of 40 live answers may still be abandoned)', 'wolni operatorzy: 1 z 2, wybierane połączenia: 3; jeszcze jedno nie zastałoby nikogo z szansą 1.2%, dozwolone 2.0% (można jeszcze porzucić 0.4 z 40 odebranych)'],
] as const)('%s', async (english, polish) => {
  await loadLanguage('pl')
  expect(told(english)).toBe(polish)
  expect(parts(english).some((p) => p.english)).toBe(false)
  await loadLanguage('zh')
  expect(told(english)).not.toMatch(/ready|operator |outside|quiet/)
  await loadLanguage('en')
  expect(told(english)).toBe(english)
})

test('what nobody has words for stays English, and is marked', async () => {
  await loadLanguage('pl')
  expect(parts('no lead is due; the moon is full')).toEqual([{ words: 'żaden kontakt nie jest na teraz', english: false }, { words: 'the moon is full', english: true }])
})
