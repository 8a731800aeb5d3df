/**
 * A small deterministic source of random numbers (mulberry32): the seed data is the same on every machine.
 */

/**
 * A stream of choices that depends only on its seed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Random {
  /** An integer from 0 to below the bound. */
  readonly below: (bound: number) => number
  readonly chance: (probability: number) => boolean
  /** One of several; the list must not be empty. */
  readonly pick: <A>(items: readonly [A, ...Array<A>]) => A
  /** A random (version 4) guid. */
  readonly guid: () => string
}

const hex = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"))

const byte = (word: number, shift: number): string => hex[(word >>> shift) & 0xff] ?? "00"

const labelHash = (label: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < label.length; index++) hash = Math.imul(hash ^ label.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

/**
 * Makes a stream; streams with other labels are independent, so more rows of one set do not change another.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeRandom = (seed: number, label: string): Random => {
  let state = (labelHash(label) ^ Math.imul(seed, 0x9e3779b1)) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const below = (bound: number): number => Math.floor((next() / 0x1_0000_0000) * bound)
  return {
    below,
    chance: (probability) => next() / 0x1_0000_0000 < probability,
    pick: (items) => items[below(items.length)] ?? items[0],
    guid: () => {
      const a = next()
      const b = (next() & 0xffff0fff) | 0x00004000
      const c = (next() & 0x3fffffff) | 0x80000000
      const d = next()
      return (
        `${byte(a, 24)}${byte(a, 16)}${byte(a, 8)}${byte(a, 0)}-${byte(b, 24)}${byte(b, 16)}-` +
        `${byte(b, 8)}${byte(b, 0)}-${byte(c, 24)}${byte(c, 16)}-` +
        `${byte(c, 8)}${byte(c, 0)}${byte(d, 24)}${byte(d, 16)}${byte(d, 8)}${byte(d, 0)}`
      )
    }
  }
}
