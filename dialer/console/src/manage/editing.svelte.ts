import { tick } from 'svelte'
import { Problem, said } from '../lib/api'
import { problemsOf, type Problems } from './problems'
import { m } from './words'

// Editing is what became of the last save of a form: done, wrong in some fields, or
// somebody else was first.
export class Editing {
  private busy = false
  conflict = $state(false)
  private failure = $state.raw<unknown>()
  private done = $state.raw<() => string>()
  problems = $state.raw<Problems>({})

  get trouble(): string {
    return said(this.failure)
  }
  set trouble(error: unknown) {
    this.failure = error
  }
  get news(): string {
    return said(this.done)
  }
  set news(words: (() => string) | undefined) {
    this.done = words
  }

  // run saves; what it returns is said, else that it is saved. On a mistake the first wrong
  // field of the form gets the focus.
  async run(what: () => Promise<(() => string) | void>, form?: HTMLFormElement) {
    if (this.busy) return
    this.clear()
    this.busy = true
    try {
      this.news = (await what()) || (() => m('saved'))
    } catch (error) {
      this.conflict = error instanceof Problem && error.status === 412
      this.problems = problemsOf(error)
      this.trouble = this.conflict || Object.keys(this.problems).length > 0 ? undefined : error
      await tick()
      form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
    }
    this.busy = false
  }

  clear() {
    this.conflict = false
    this.trouble = this.news = undefined
    this.problems = {}
  }
}
