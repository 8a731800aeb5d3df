import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { WireRequest, WriteError } from "../DomainRequest.ts"
import { ResponseInvalid, TransactionLost } from "../ErpNetError.ts"
import { lazySchema } from "../internal/lazySchema.ts"
import type { Calls } from "./calls.ts"
import { type Connection, type Connections, provideConnection, type Session } from "./session.ts"

interface BeginOptions {
  readonly model?: "common" | "frontend" | undefined
  readonly trackChanges?: boolean | undefined
}

const post = (url: string, body: object): WireRequest => ({
  method: "POST",
  url,
  body: { text: JSON.stringify(body), contentType: "application/json" }
})

const idPattern = /^"?([0-9a-f]{32})"?$/i

/** Opens the transaction. A token that was refused beforehand is replaced once: nothing depends on it yet. */
const begin = (session: Session, options: BeginOptions): Effect.Effect<string, WriteError> => {
  const ask = session.calls.write(
    post("BeginTransaction", { model: options.model ?? "common", trackChanges: options.trackChanges ?? false })
  )
  return ask.pipe(
    Effect.catchTags({
      Unauthorized: () => Effect.zipRight(session.renew, ask),
      Expired: () => Effect.zipRight(session.renew, ask)
    }),
    Effect.flatMap(({ text }) => {
      const id = idPattern.exec(text.trim())?.[1]
      return id === undefined
        ? new ResponseInvalid({ entitySet: "BeginTransaction", path: "", reason: "expected 32 hexadecimal digits" })
        : Effect.succeed(id)
    })
  )
}

/** What says that the transaction is gone, and not that a request in it was wrong. */
const toTransactionLost = (error: WriteError): TransactionLost | undefined => {
  if (error._tag === "Unauthorized" || error._tag === "Expired") {
    return new TransactionLost({ reason: "session ended", detail: error.errorDescription ?? error.error })
  }
  return error._tag === "ServerError" && /Invalid TransactionId/i.test(error.detail ?? "")
    ? new TransactionLost({ reason: "unknown to the server", detail: error.detail })
    : undefined
}

/** The connection, telling of every error that its calls meet. */
const tapErrors = (connection: Connection, tell: (error: WriteError) => void): Connection => {
  const { read, write } = connection.calls
  return {
    ...connection,
    calls: {
      read: (request) => Effect.tapError(read(request), (error) => Effect.sync(() => tell(error))),
      write: (request) => Effect.tapError(write(request), (error) => Effect.sync(() => tell(error)))
    }
  }
}

/** A defect, and an interruption that came from outside, say more than a transaction that is lost. */
const outranksLoss = <A, E>(exit: Exit.Exit<A, E>): boolean =>
  Exit.isFailure(exit) && (Cause.isDie(exit.cause) || Cause.isInterruptedOnly(exit.cause))

const end = (calls: Calls, commit: boolean) => calls.write(post("EndTransaction", { commit }))

/**
 * Commits. Where that fails it is rolled back, because the server may have left the transaction open, and then no
 * other could begin for 25 minutes; one that was committed after all is not touched by it.
 */
const commit = (calls: Calls): Effect.Effect<void, WriteError | TransactionLost> =>
  Effect.catchAll(Effect.asVoid(end(calls, true)), (error): Effect.Effect<never, WriteError | TransactionLost> => {
    const loss = toTransactionLost(error)
    if (loss !== undefined) return loss
    return Effect.zipRight(Effect.ignore(end(calls, false)), Effect.fail(error))
  })

/** Begins a transaction, runs an effect in it, and ends it by what became of the effect. */
export const run = <A, E, R>(
  connections: Connections,
  effectOf: (id: string) => Effect.Effect<A, E, R>,
  options: BeginOptions
): Effect.Effect<A, E | WriteError | TransactionLost, R> =>
  connections.withSession((session) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const id = yield* begin(session, options)
        let loss: TransactionLost | undefined
        const connection = session.inTransaction(id)
        const observed = tapErrors(connection, (error) => {
          loss ??= toTransactionLost(error)
        })
        const exit = yield* Effect.exit(restore(provideConnection(connections, observed)(effectOf(id))))
        if (loss !== undefined && !outranksLoss(exit)) return yield* loss
        if (Exit.isFailure(exit)) {
          if (loss === undefined) yield* Effect.ignore(end(connection.calls, false))
          return yield* Effect.failCause(exit.cause)
        }
        yield* commit(connection.calls)
        return exit.value
      })
    )
  )

/** The answer of `GetChanges` and `WaitForChanges`. */
export const ChangesAnswer = lazySchema(() => {
  const Attributes = Schema.Record({ key: Schema.String, value: Schema.Unknown })
  const Entities = Schema.Record({ key: Schema.String, value: Attributes })
  const Sets = Schema.Record({ key: Schema.String, value: Entities })
  const Changed = Schema.optionalWith(Sets, { default: () => ({}) })
  return Schema.Struct({ insert: Changed, update: Changed, delete: Changed })
})
