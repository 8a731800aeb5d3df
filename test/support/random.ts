/** A small seeded generator, so that a random test can be run again exactly. */
export interface Random {
  /** A number of [0, 1). */
  readonly next: () => number
  /** A whole number of [0, n). */
  readonly below: (n: number) => number
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  readonly chance: (probability: number) => boolean
}

/** The mulberry32 generator. */
export const seeded = (seed: number): Random => {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const below = (n: number): number => Math.floor(next() * n)
  return { next, below, pick: (items) => items[below(items.length)]!, chance: (probability) => next() < probability }
}

/** The seed of this run: from the environment variable `ERPNET_TEST_SEED`, else a new one. */
export const runSeed = (): number => {
  const given = process.env["ERPNET_TEST_SEED"]
  return given === undefined ? (Date.now() ^ (process.pid << 16)) >>> 0 : Number(given) >>> 0
}
