/** Checks that follow one another: each is told in a line, and those that need a failed one are skipped. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Ref from "effect/Ref"
import { describe, dim, green, red } from "./output.ts"

/** What a check found, and what the following ones need of it. */
export interface Finding<A> {
  readonly status: "pass" | "skipped"
  readonly detail: string
  readonly value: A
}

export const pass = <A>(detail: string, value: A): Finding<A> => ({ status: "pass", detail, value })

/** There was nothing to check, which is no reason to stop. */
export const skip = <A>(detail: string, value: A): Finding<A> => ({ status: "skipped", detail, value })

/** The outcome of a check: its value, or the name of the check that failed first. */
export type Outcome<A> = Either.Either<A, string>

export interface Report {
  /** Runs a check with what it needs. Its error, whose message says what to do, is the line of a failure. */
  readonly check: <A, B, R>(
    name: string,
    needs: Outcome<A>,
    run: (needed: A) => Effect.Effect<Finding<B>, unknown, R>
  ) => Effect.Effect<Outcome<B>, never, R>
  /** The names of the checks that failed so far. */
  readonly failures: Effect.Effect<ReadonlyArray<string>>
}

const widest = 10
const colours = { pass: green, fail: red, skipped: dim }

const tell = (status: keyof typeof colours, name: string, detail: string): Effect.Effect<void> =>
  Console.log(`${colours[status](status.padEnd(7))}  ${name.padEnd(widest)}  ${detail}`)

export const makeReport: Effect.Effect<Report> = Effect.map(
  Ref.make<ReadonlyArray<string>>([]),
  (failures): Report => ({
    check: (name, needs, run) =>
      Either.match(needs, {
        onLeft: (missing) => Effect.as(tell("skipped", name, `needs ${missing}`), Either.left(missing)),
        onRight: (needed) =>
          Effect.matchEffect(run(needed), {
            onFailure: (error) =>
              tell("fail", name, describe(error)).pipe(
                Effect.zipRight(Ref.update(failures, (names) => [...names, name])),
                Effect.as(Either.left(name))
              ),
            onSuccess: ({ detail, status, value }) => Effect.as(tell(status, name, detail), Either.right(value))
          })
      }),
    failures: Ref.get(failures)
  })
)
