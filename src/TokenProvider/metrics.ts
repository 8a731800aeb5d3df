import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type { TokenError } from "../ErpNetError.ts"

/** Why a token is asked for: there was none, or the one that was held is expired, will expire, or was refused. */
export type Reason = "first" | "expiry" | "ahead" | "unauthorized"

const exchanges = Metric.counter("erpnet_token_exchanges", {
  description: "Exchanges with the token endpoint, by outcome: success or the tag of the error",
  incremental: true
})

const renewals = Metric.counter("erpnet_token_renewals", {
  description: "Renewals of a token that was held, by cause: expiry, ahead, unauthorized",
  incremental: true
})

// Up to the 45 s that an exchange may take.
const exchangeDuration = Metric.timerWithBoundaries(
  "erpnet_token_exchange_duration",
  [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 45_000],
  "How long a successful exchange with the token endpoint takes, its retries included"
)

const count = (reason: Reason, exit: Exit.Exit<unknown, { readonly _tag: string }>): Effect.Effect<void> => {
  const outcome = Exit.match(exit, {
    onSuccess: () => "success",
    onFailure: (cause) =>
      Option.match(Cause.failureOption(cause), { onNone: () => "aborted", onSome: (error) => error._tag })
  })
  const counted = Metric.increment(Metric.tagged(exchanges, "outcome", outcome))
  return reason === "first"
    ? counted
    : Effect.zipRight(counted, Metric.increment(Metric.tagged(renewals, "cause", reason)))
}

/** Counts a request for a token and takes its time. */
export const measured = <A, E extends TokenError>(reason: Reason, request: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  request.pipe(
    Effect.onExit((exit) => count(reason, exit)),
    Metric.trackDuration(exchangeDuration)
  )
