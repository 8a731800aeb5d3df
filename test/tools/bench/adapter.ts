/** What is measured: one way to make authenticated calls. */
import type { Consumer, Target, Way } from "./protocol.ts"

/** How a number of calls went. */
export interface Outcome {
  readonly failed: number
  readonly firstFailure: string | undefined
}

/** How many rows came out of a reading. */
export type ReadRows = (consumer: Consumer, pause: number) => Promise<number>

/** One way to make authenticated calls, in the state that a process of its user would have it in. */
export interface Adapter {
  /** One authenticated GET whose JSON answer is parsed. */
  readonly call: () => Promise<void>
  /** Many of them, so many at a time. */
  readonly calls: (count: number, concurrency: number) => Promise<Outcome>
  /** Asks so many times for a token that is cached. */
  readonly cachedToken?: (count: number) => Promise<void>
  readonly rows?: ReadRows
  /** Looks so many rows up by their ids; where it cannot do it that way there is no answer. */
  readonly lookups?: (count: number, way: Way) => Promise<number>
  /** Prepares so many tenants, each with a token of its own; from then on the calls go to them in turn. */
  readonly tenants?: (count: number) => Promise<void>
}

/** Prepares an adapter; whatever is fetched is fetched by its first call. */
export type MakeAdapter = (target: Target) => Promise<Adapter>

/** The calls of an adapter of promises: so many loops side by side. */
export const callsOf =
  (call: () => Promise<void>): Adapter["calls"] =>
  async (count, concurrency) => {
    let started = 0
    let failed = 0
    let firstFailure: string | undefined
    const loop = async (): Promise<void> => {
      while (started < count) {
        started += 1
        try {
          await call()
        } catch (error) {
          failed += 1
          firstFailure ??= String(error)
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(count, concurrency) }, loop))
    return { failed, firstFailure }
  }

/** The cached token of an adapter of promises. */
export const cachedTokenOf =
  (token: () => Promise<string>): NonNullable<Adapter["cachedToken"]> =>
  async (count) => {
    for (let index = 0; index < count; index += 1) await token()
  }

/** A page of rows as an adapter without Schema sees it. */
export interface RawPage {
  readonly value: ReadonlyArray<unknown>
  readonly "@odata.nextLink"?: string
}
