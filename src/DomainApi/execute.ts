import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type {
  Answer,
  Change,
  DomainApiError,
  DomainRequest,
  Read,
  Step,
  WireRequest,
  WriteError
} from "../DomainRequest.ts"
import { InvalidQuery, type InvalidValue } from "../ErpNetError.ts"
import { withSpan } from "../internal/tracing.ts"
import type * as Coalesce from "./coalesce.ts"
import { joined } from "./lookup.ts"
import { type Connection, type Connections, withConnection } from "./session.ts"

/** What running a request needs. */
export interface Context {
  readonly connections: Connections
  /** Whether lookups by id are joined where a request does not say. */
  readonly coalesces: boolean
  readonly lookups: Coalesce.Lookup<unknown, DomainApiError>
  /** The path of the service root. */
  readonly root: string
}

/** An Either as an Effect. */
const orFail = <A, E>(either: Either.Either<A, E>): Effect.Effect<A, E> =>
  Either.match(either, { onLeft: Effect.fail, onRight: Effect.succeed })

/** ERP.net does not say whether the operations of a batch would belong to the transaction. */
const checkBatch = (connection: Connection, { url }: WireRequest): Effect.Effect<void, InvalidQuery> =>
  connection.transaction !== undefined && url === "$batch"
    ? new InvalidQuery({
        option: "$batch",
        reason: "a batch cannot be sent in a transaction, because its operations might not belong to it"
      })
    : Effect.void

/** The answer to the request of a read, its body not looked at. */
const answerTo = <E extends InvalidValue>(
  context: Context,
  request: Either.Either<WireRequest, DomainApiError | E>
): Effect.Effect<Answer, DomainApiError | E> =>
  withConnection(context.connections, (connection) =>
    Effect.flatMap(orFail(request), (wire) =>
      Effect.zipRight(checkBatch(connection, wire), connection.calls.read(wire))
    )
  )

const finish = <A>(context: Context, step: Step<A>): Effect.Effect<A, DomainApiError> =>
  step._tag === "Done" ? Effect.succeed(step.value) : read(context, step.next)

/** What an error stands for, where the request says so; recovery is of the request alone, not of what follows it. */
const recovered = <A, E extends DomainApiError | InvalidValue>(
  request: Pick<Read<A>, "recover">,
  step: Effect.Effect<Step<A>, E>
): Effect.Effect<Step<A>, E> => {
  const { recover } = request
  if (recover === undefined) return step
  return Effect.catchAll(step, (error) =>
    Option.match(recover(error), {
      onNone: () => Effect.fail(error),
      onSome: (value) => Effect.succeed<Step<A>>({ _tag: "Done", value })
    })
  )
}

/** Sends a read, and what follows where the answer is not all of it. */
export const read = <A, E extends InvalidValue = never>(
  context: Context,
  request: Read<A, E>
): Effect.Effect<A, DomainApiError | E> =>
  Effect.flatMap(
    recovered(
      request,
      Effect.flatMap(answerTo(context, request.request), (answer) => orFail(request.decode(answer)))
    ),
    (step) => finish(context, step)
  )

/** Sends a read; what its answer means is worked out when the inner effect runs. */
export const readLater = <A>(
  context: Context,
  request: Read<A>
): Effect.Effect<Effect.Effect<A, DomainApiError>, DomainApiError> =>
  withSpan(
    `DomainApi.${request.operation}`,
    () => request.attributes,
    () =>
      Effect.map(answerTo<never>(context, request.request), (answer) =>
        Effect.flatMap(
          Effect.suspend(() => orFail(request.decode(answer))),
          (step) => finish(context, step)
        )
      )
  )

const readOrJoin = <A, E extends InvalidValue>(
  context: Context,
  request: Read<A, E>
): Effect.Effect<A, DomainApiError | E> => {
  const { known, lookup } = request
  if (known !== undefined) return Effect.succeed(known.value)
  if (lookup === undefined || !(lookup.coalesce ?? context.coalesces)) return read(context, request)
  return withConnection(context.connections, ({ transaction }) => {
    if (transaction !== undefined) return read(context, request)
    const step = Effect.zipRight(
      // What cannot be sent alone cannot be joined.
      orFail(request.request),
      joined(context.lookups, (group) => read(context, group), context.root, request.target, lookup)
    )
    return Effect.flatMap(recovered(request, step), (found) => finish(context, found))
  })
}

const change = <A>(context: Context, request: Change<A>): Effect.Effect<A, WriteError> =>
  withConnection(context.connections, (connection) =>
    Effect.gen(function* () {
      const wire = yield* request.request(Option.none)
      yield* checkBatch(connection, wire)
      const answer = yield* connection.calls.write(wire)
      return yield* finish(context, yield* request.decode(answer))
    })
  )

/** The function that runs requests. */
export interface Execute {
  <A, E extends InvalidValue>(request: Read<A, E>): Effect.Effect<A, DomainApiError | E>
  <A>(request: DomainRequest<A>): Effect.Effect<A, WriteError>
}

export const make = (context: Context): Execute => {
  function execute<A, E extends InvalidValue>(request: Read<A, E>): Effect.Effect<A, DomainApiError | E>
  function execute<A>(request: DomainRequest<A>): Effect.Effect<A, WriteError>
  function execute<A>(request: Change<A> | Read<A, InvalidValue>): Effect.Effect<A, WriteError> {
    return withSpan(
      `DomainApi.${request.operation}`,
      () => request.attributes,
      () => (request._tag === "Read" ? readOrJoin(context, request) : change(context, request))
    )
  }
  return execute
}
