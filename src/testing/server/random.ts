/**
 * A small deterministic source of random digits: the same seed gives the same identifiers.
 *
 * @since 0.1.0
 */

/** A source of digits that look random. */
export interface Random {
  /** This many upper-case hexadecimal digits. */
  readonly hex: (digits: number) => string
}

/** Starts a source from a seed. */
export const make = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    // mulberry32: 32 bits of state are enough for identifiers that only have to differ
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    hex: (digits) => {
      let out = ""
      while (out.length < digits) out += next().toString(16).toUpperCase().padStart(8, "0")
      return out.slice(0, digits)
    }
  }
}
