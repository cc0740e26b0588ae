import { untrack } from 'svelte'
import { readCampaign, type Versioned } from '../lib/versioned'
import { draftKey, keepDraft, readDraft } from './draft'
import { Editing } from './editing.svelte'
import type { Campaign } from './texts'
import { m } from './words'

// Part is a part of a campaign that is edited in a form of its own.
export type Part<T> = {
  name: string // of its draft
  of: (c: Campaign) => T
  save: (base: Versioned, mine: T) => Promise<Versioned>
  // rebase puts mine over another version; left out: mine as it is.
  rebase?: (mine: T, theirs: T) => T
}

// Sheet is what stands in the form of a part, what it is based on, and what became of it.
export class Sheet<T> {
  mine = $state() as T
  restored = $state(0) // when the draft was written that was found, ms; 0: there was none
  readonly editing = new Editing()
  private base = $state.raw() as Versioned
  private readonly key: string

  constructor(
    private readonly part: Part<T>,
    private readonly now: () => Versioned,
    private readonly saved: (fresh: Versioned) => void,
  ) {
    const start = untrack(now)
    this.base = start
    this.mine = part.of(start.campaign)
    this.key = draftKey(start.campaign.id, part.name)
    const draft = readDraft<T>(this.key)
    if (draft) {
      this.mine = draft.mine
      this.restored = draft.at
      if (draft.theirs !== this.theirs()) {
        this.base = { ...start, etag: draft.etag }
        this.editing.conflict = true
      }
    }
    $effect(() => {
      const fresh = now()
      untrack(() => this.follow(fresh))
    })
    $effect(() => this.keep(JSON.stringify(this.mine), this.theirs()))
  }

  private theirs = () => JSON.stringify(this.part.of(this.base.campaign))

  // What was changed elsewhere on the page is no conflict with this part; nor is a change
  // of somebody else to a part that nobody touched here.
  private follow(fresh: Versioned) {
    if (this.editing.conflict) return
    const theirs = this.part.of(fresh.campaign)
    const same = JSON.stringify(theirs) === this.theirs()
    if (!same && JSON.stringify(this.mine) !== this.theirs()) return
    this.base = fresh
    if (!same) this.mine = theirs
  }

  private keep(mine: string, theirs: string) {
    if (mine === theirs) this.restored = 0
    keepDraft(this.key, mine === theirs ? undefined : { at: Date.now(), etag: this.base.etag, theirs, mine: JSON.parse(mine) as T })
  }

  save = (event: SubmitEvent & { currentTarget: HTMLFormElement }) => {
    event.preventDefault()
    void this.editing.run(async () => this.take(await this.part.save(this.base, $state.snapshot(this.mine) as T)), event.currentTarget)
  }

  private take(fresh: Versioned, keep = false) {
    const theirs = this.part.of(fresh.campaign)
    this.mine = keep ? (this.part.rebase?.(this.mine, theirs) ?? this.mine) : theirs
    this.base = fresh
    this.saved(fresh)
  }

  // settle ends a conflict: theirs is shown, or mine is put over it, to be saved.
  settle = async (keep: boolean) => {
    try {
      const fresh = await readCampaign(this.base.campaign.id)
      this.editing.clear()
      this.restored = 0
      this.take(fresh, keep)
      if (keep) this.editing.news = () => m('changed.kept')
    } catch (error) {
      this.editing.trouble = error
    }
  }

  // drop forgets what is not saved.
  drop = () => {
    this.editing.clear()
    this.base = this.now()
    this.mine = this.part.of(this.base.campaign)
  }
}
