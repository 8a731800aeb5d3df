import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { ResponseInvalid, TransactionLost } from "../ErpNetError.ts"
import { lazySchema } from "../internal/lazySchema.ts"
import { request } from "../internal/reading.ts"
import { withSpan } from "../internal/tracing.ts"
import { type Calls, DomainApi, type DomainApiError, type Session, type Write, type WriteError } from "./calls.ts"

/**
 * The API transaction that an effect runs in.
 *
 * @category services
 * @since 0.1.0
 */
export class Transaction extends Context.Tag("effect-erpnet/DomainApi/Transaction")<
  Transaction,
  {
    /** 32 hexadecimal digits, as the server gave them. */
    readonly id: string
  }
>() {}

/**
 * What may be said with a transaction.
 *
 * @category options
 * @since 0.1.0
 */
export interface TransactionOptions {
  /**
   * `common` writes what is sent; `frontend` also runs the rules of ERP.net's user interface, which compute dependent
   * values such as prices and base quantities.
   *
   * @default "common"
   */
  readonly model?: "common" | "frontend" | undefined
  /**
   * Lets {@link changes} tell what the server changed.
   *
   * @default false
   */
  readonly trackChanges?: boolean | undefined
}

const post = (url: string, body: object): Write => ({
  method: "POST",
  url,
  body: { text: JSON.stringify(body), contentType: "application/json" }
})

const idPattern = /^"?([0-9a-f]{32})"?$/i

/** Opens the transaction. A token that was refused beforehand is replaced once: nothing depends on it yet. */
const begin = (session: Session, options: TransactionOptions): Effect.Effect<string, WriteError> => {
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
const lost = (error: WriteError): TransactionLost | undefined => {
  if (error._tag === "Unauthorized" || error._tag === "Expired") {
    return new TransactionLost({ reason: "session ended", detail: error.errorDescription ?? error.error })
  }
  return error._tag === "ServerError" && /Invalid TransactionId/i.test(error.detail ?? "")
    ? new TransactionLost({ reason: "unknown to the server", detail: error.detail })
    : undefined
}

/** The service, telling of every error that its calls meet. */
const observed = <S extends Calls>(service: S, tell: (error: WriteError) => void): S => ({
  ...service,
  read: (url, headers) => Effect.tapError(service.read(url, headers), (error) => Effect.sync(() => tell(error))),
  write: (request) => Effect.tapError(service.write(request), (error) => Effect.sync(() => tell(error)))
})

/** A defect, and an interruption that came from outside, say more than a transaction that is lost. */
const isStronger = <A, E>(exit: Exit.Exit<A, E>): boolean =>
  Exit.isFailure(exit) && (Cause.isDie(exit.cause) || Cause.isInterruptedOnly(exit.cause))

const end = (calls: Calls, commit: boolean) => calls.write(post("EndTransaction", { commit }))

/**
 * Commits. Where that fails it is rolled back, because the server may have left the transaction open, and then nobody
 * could begin another for 25 minutes; one that was committed after all is not touched by it.
 */
const commit = (calls: Calls): Effect.Effect<void, WriteError | TransactionLost> =>
  Effect.catchAll(Effect.asVoid(end(calls, true)), (error): Effect.Effect<never, WriteError | TransactionLost> => {
    const loss = lost(error)
    if (loss !== undefined) return loss
    return Effect.zipRight(Effect.ignore(end(calls, false)), Effect.fail(error))
  })

/**
 * Runs an effect in an API transaction: its calls of `DomainApi` see and change the data of the transaction only, and
 * nothing reaches the database before the end. Success commits; failure, defect and interruption roll back.
 *
 * **Details**
 *
 * - All calls of the effect use one token, one at a time, because the transaction lives in one session of the server:
 *   the token is not renewed on the way. A service has one transaction at a time; others wait.
 * - A transaction lives 25 minutes at most. One that the server no longer knows, or whose token it refuses, is
 *   `TransactionLost`: nothing was written, whatever the effect made of the error (a defect stays one). Where the answer to the commit is
 *   lost, the error is `OutcomeUnknown`; so it is at the begin. The server may then hold the transaction for the rest of
 *   its 25 minutes, and refuse another in that session with 429.
 * - A transaction inside another joins it: it commits with the outer one, and where its failure is caught in the outer
 *   effect its changes stay.
 *
 * @category combinators
 * @since 0.1.0
 */
export const transaction = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  options: TransactionOptions = {}
): Effect.Effect<A, E | WriteError | TransactionLost, DomainApi | Exclude<R, DomainApi | Transaction>> =>
  Effect.flatMap(DomainApi, (api) => {
    const runIn = (service: DomainApi["Type"], id: string) =>
      Effect.provide(effect, Context.make(DomainApi, service).pipe(Context.add(Transaction, { id })))
    if (api.transaction !== undefined) return runIn(api, api.transaction)
    return withSpan(
      "DomainApi.transaction",
      () => ({ "erpnet.transaction.model": options.model ?? "common" }),
      () =>
        api.withSession((session) =>
          Effect.uninterruptibleMask((restore) =>
            Effect.gen(function* () {
              const id = yield* begin(session, options)
              let loss: TransactionLost | undefined
              const service = session.inTransaction(id)
              const bound = observed(service, (error) => {
                loss ??= lost(error)
              })
              const exit = yield* Effect.exit(restore(runIn(bound, id)))
              if (loss !== undefined && !isStronger(exit)) return yield* loss
              if (Exit.isFailure(exit)) {
                if (loss === undefined) yield* Effect.ignore(end(service, false))
                return yield* Effect.failCause(exit.cause)
              }
              yield* commit(service)
              return exit.value
            })
          )
        )
    )
  })

const ChangesAnswer = lazySchema(() => {
  const Attributes = Schema.Record({ key: Schema.String, value: Schema.Unknown })
  const Entities = Schema.Record({ key: Schema.String, value: Attributes })
  const Sets = Schema.Record({ key: Schema.String, value: Entities })
  const Changed = Schema.optionalWith(Sets, { default: () => ({}) })
  return Schema.Struct({ insert: Changed, update: Changed, delete: Changed })
})

/**
 * What changed in a transaction: by entity set, then by id, the attributes with their new values.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changes {
  /** Created since then. */
  readonly insert: ChangedSets
  /** Changed since then: the changed attributes only. */
  readonly update: ChangedSets
  /** Deleted since then. */
  readonly delete: ChangedSets
}

type ChangedSets = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>

/**
 * What changed since the last time it was asked, in a transaction with `trackChanges`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const changes: Effect.Effect<Changes, DomainApiError, DomainApi | Transaction> = Effect.zipRight(
  Transaction,
  request("GetChanges", ChangesAnswer)
)

const isEmpty = (changed: Changes): boolean =>
  [changed.insert, changed.update, changed.delete].every((sets) => Object.keys(sets).length === 0)

/**
 * The changes of a transaction with `trackChanges` as they happen. The server answers when there are some, or after two
 * minutes; meanwhile other calls of the transaction wait, because its session runs one request at a time.
 *
 * @category combinators
 * @since 0.1.0
 */
export const changesStream: Stream.Stream<Changes, DomainApiError, DomainApi | Transaction> = Stream.repeatEffect(
  Effect.zipRight(Transaction, request("WaitForChanges", ChangesAnswer))
).pipe(Stream.filter((changed) => !isEmpty(changed)))
