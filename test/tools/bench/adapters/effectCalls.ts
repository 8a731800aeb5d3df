import type { HttpClientError, HttpClientResponse } from "@effect/platform"
import { Effect } from "effect"
import type { Outcome } from "../adapter.ts"

/** Parses the JSON of an answer, which must be a 200. */
export const jsonOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<unknown, HttpClientError.ResponseError | string> =>
  response.status === 200 ? response.json : Effect.fail(`status ${response.status}`)

/** The calls of an adapter of effects: so many fibers side by side, each in a loop, as the promises have it. */
export const effectCalls = <E, R>(
  call: Effect.Effect<unknown, E, R>,
  count: number,
  concurrency: number
): Effect.Effect<Outcome, never, R> =>
  Effect.suspend(() => {
    let started = 0
    let failed = 0
    let firstFailure: string | undefined
    const counted = Effect.catchAllCause(call, (cause) =>
      Effect.sync(() => {
        failed += 1
        firstFailure ??= String(cause)
      })
    )
    const loop = Effect.whileLoop({
      while: () => started < count,
      body: () => {
        started += 1
        return counted
      },
      step: () => undefined
    })
    return Effect.map(
      Effect.all(
        Array.from({ length: Math.min(count, concurrency) }, () => loop),
        { concurrency: "unbounded", discard: true }
      ),
      () => ({ failed, firstFailure })
    )
  })

/** Runs an effect so many times in the fiber that runs it. */
export const repeated = <E, R>(effect: Effect.Effect<unknown, E, R>, count: number): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    let index = 0
    return Effect.whileLoop({
      while: () => index < count,
      body: () => {
        index += 1
        return effect
      },
      step: () => undefined
    })
  })
