import type { components } from './schema'

// Problem is an answer that is no success (RFC 9457), in words. errors are what is wrong
// with the parts of what was sent.
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly errors: components['schemas']['ProblemField'][] = [],
  ) {
    super(message)
  }
}
