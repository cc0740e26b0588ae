import { expect, test } from 'vitest'
import { rebased, textsOf, withTexts, type Campaign } from './texts'

const campaign = {
  id: 'spring', name: 'Spring', script: '# A', trunks: 'line', version: 3,
  segments: [{ name: 'hot', filter: 'cp > 3', priority: '', weight: 2, objections: '! no time' }, { name: 'cold', filter: '', priority: '', weight: 1 }],
  form: [{ name: 'supplier', kind: 'choice', choices: ['A', 'B'], required_for: ['sale'] }],
} as unknown as Campaign

test('texts that are not changed leave a campaign as it is', () => {
  const same = withTexts(campaign, textsOf(campaign))
  expect(same).toMatchObject({ ...campaign, segments: [campaign.segments?.[0], { name: 'cold', objections: '' }] })
})

test('texts are put over another version: segments keep theirs by name', () => {
  const mine = { ...textsOf(campaign), script: '# B', objections: ['! mine', ''] }
  const theirs = { ...campaign, name: 'Theirs', segments: [{ name: 'new', filter: '', priority: '', weight: 1, objections: '! new' }, { name: 'hot', filter: 'cp > 4', priority: '', weight: 2 }] } as Campaign
  const both = withTexts(theirs, mine)
  expect(both).toMatchObject({ name: 'Theirs', script: '# B' })
  expect(both.segments).toMatchObject([{ name: 'new', objections: '! new' }, { name: 'hot', filter: 'cp > 4', objections: '! mine' }])
})

test('texts go over other segments by name', () => {
  const theirs = { ...textsOf(campaign), segments: ['new', 'cold', 'hot'], objections: ['! new', '! cold', '! theirs'] }
  expect(rebased({ ...textsOf(campaign), objections: ['! mine', ''] }, theirs)).toMatchObject({ segments: theirs.segments, objections: ['! new', '', '! mine'] })
})

test('a field that is no choice has no choices, empty lines are none', () => {
  const texts = textsOf(campaign)
  texts.form = [{ name: ' city ', label: '', kind: 'text', choices: 'x', required_for: [] }, { name: 'size', label: 'Size', kind: 'choice', choices: ' S \n\nL\n', required_for: ['*'] }]
  expect(withTexts(campaign, texts).form).toEqual([
    { name: 'city', label: '', kind: 'text', choices: [], required_for: [] },
    { name: 'size', label: 'Size', kind: 'choice', choices: ['S', 'L'], required_for: ['*'] },
  ])
})
