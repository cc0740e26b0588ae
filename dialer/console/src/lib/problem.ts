import type { components } from './schema'

// Problem is an answer that is no success (RFC 9457), in words. errors are what is wrong
// with the parts of what was sent.
export class Problem extends Error {
  constructor(
    readonly status: number,
    private readonly words: string | (() => string),
    readonly errors: components['schemas']['ProblemField'][] = [],
  ) {
    super()
  }

  // message is in the language that the page has when it is read, which may be another by
  // then.
  override get message() {
    return typeof this.words === 'string' ? this.words : this.words()
  }
}
