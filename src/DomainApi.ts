/**
 * The Domain API of ERP.net: its OData v4 service, read and written with typed rows.
 *
 * @example
 * ```ts
 * import { DomainApi, EntitySet, Filter } from "effect-erpnet"
 * import { Console, Effect, Schema, Stream } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   Id: Schema.UUID,
 *   Number: Schema.NullOr(Schema.String),
 *   Active: Schema.Boolean
 * }))
 *
 * export const program = DomainApi.stream(Customers, { filter: Filter.eq("Active", true) }).pipe(
 *   Stream.runForEach((customer) => Console.log(customer.Number))
 * )
 *
 * export const count = Effect.flatMap(DomainApi.count(Customers), Console.log)
 * ```
 *
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AuthorizedClient from "./AuthorizedClient.ts"
import * as Batch from "./Batch.ts"
import type * as ComplexType from "./ComplexType.ts"
import type { CallPolicy } from "./DomainApi/calls.ts"
import * as Coalesce from "./DomainApi/coalesce.ts"
import * as Execute from "./DomainApi/execute.ts"
import * as Paging from "./DomainApi/paging.ts"
import * as Permits from "./DomainApi/permits.ts"
import * as Position from "./DomainApi/position.ts"
import * as RateLimit from "./DomainApi/rateLimit.ts"
import * as Session from "./DomainApi/session.ts"
import * as Transactions from "./DomainApi/transaction.ts"
import * as DomainRequest from "./DomainRequest.ts"
import type * as EntityId from "./EntityId.ts"
import type * as EntityInput from "./EntityInput.ts"
import type * as EntitySet from "./EntitySet.ts"
import { type InvalidValue, type TransactionLost, Unreachable } from "./ErpNetError.ts"
import type * as Filter from "./Filter.ts"
import type * as Instance from "./Instance.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import * as Settings from "./internal/settings.ts"
import { withSpan } from "./internal/tracing.ts"
import type { Operation } from "./Operation.ts"
import type * as Query from "./Query.ts"
import { TokenProvider } from "./TokenProvider.ts"

export type { Answer, DomainApiError, LookupOptions, WriteError } from "./DomainRequest.ts"

// --- the service ----------------------------------------------------------------------------------------------------

/**
 * What the service offers: the instance, its client, and the function that runs requests. A stand-in for tests is one
 * function over {@link "DomainRequest"}.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service {
  /** The instance that the requests go to. */
  readonly instance: Instance.Instance
  /**
   * The client that the requests go through, for what is not modelled here. Its calls are not counted by the limits; in
   * a transaction they carry its header.
   */
  readonly client: HttpClient.HttpClient.With<AuthorizedClient.AuthorizedClientError>
  /** Runs a request. In an effect that runs in a {@link transaction} of this service, the request belongs to it. */
  readonly execute: {
    <A, E extends InvalidValue>(request: DomainRequest.Read<A, E>): Effect.Effect<A, DomainRequest.DomainApiError | E>
    <A>(request: DomainRequest.DomainRequest<A>): Effect.Effect<A, DomainRequest.WriteError>
  }
}

/**
 * The service behind the functions of this module; {@link layer} provides it.
 *
 * @category services
 * @since 0.1.0
 */
export class DomainApi extends Context.Tag("effect-erpnet/DomainApi")<DomainApi, Service>() {}

const InternalId: unique symbol = Symbol.for("effect-erpnet/DomainApi/internal")

/** A service as {@link make} makes it: with what streams and transactions need. */
interface Internal extends Service {
  readonly [InternalId]: Execute.Context
}

const isInternal = (service: Service): service is Internal => Predicate.hasProperty(service, InternalId)

/**
 * Options of {@link make}: the limits on requests, how long one may take, and those of {@link "AuthorizedClient"}.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends AuthorizedClient.Options {
  /**
   * How many requests may be in flight at a time; the others wait. A session of ERP.net runs one request at a time and
   * lets five more wait; what comes then is refused with 429.
   *
   * @default 4
   */
  readonly maxConcurrent?: number | undefined
  /**
   * How many requests may start within any 60 seconds; the others wait. `Infinity` switches it off. ERP.net allows 600
   * for each session by default.
   *
   * @default 600
   */
  readonly requestsPerMinute?: number | undefined
  /**
   * How long one request may take, from sending to the last byte of the answer. The longest that ERP.net takes on
   * purpose is two minutes, in `WaitForChanges`.
   *
   * @default "150 seconds"
   */
  readonly callTimeout?: Duration.DurationInput | undefined
  /**
   * Whether `get` and `find` join those that other fibers ask for within a short time into one request; a call can say
   * otherwise. An object says how as well.
   *
   * @default false
   */
  readonly coalesce?: boolean | CoalesceOptions | undefined
}

/**
 * How lookups by id are joined.
 *
 * @category options
 * @since 0.1.0
 */
export interface CoalesceOptions {
  /**
   * How long the first lookup waits for others.
   *
   * @default "5 millis"
   */
  readonly window?: Duration.DurationInput | undefined
  /**
   * How many ids one request may ask for. With so many it goes out at once.
   *
   * @default 100
   */
  readonly maxIds?: number | undefined
}

/** The policy of the requests of a service. */
const makePolicy = (options: Options, tokens: TokenProvider["Type"]) =>
  Effect.gen(function* () {
    const maxConcurrent = yield* Settings.count("maxConcurrent", options.maxConcurrent ?? 4)
    const perMinute = yield* Settings.count("requestsPerMinute", options.requestsPerMinute ?? 600, true)
    const timeout = yield* Effect.orDie(Settings.millis("callTimeout", options.callTimeout ?? "150 seconds", 1))
    const policy: CallPolicy = {
      client: yield* AuthorizedClient.make(options),
      instance: tokens.instance,
      withPermit: Permits.make(maxConcurrent).withPermit,
      start: RateLimit.make(perMinute),
      timeout,
      headers: {}
    }
    return policy
  })

/** What joins the lookups of a service. */
const makeLookups = ({ coalesce }: Options) =>
  Effect.gen(function* () {
    const joining = typeof coalesce === "object" ? coalesce : {}
    const window = yield* Effect.orDie(Settings.millis("coalesce.window", joining.window ?? "5 millis"))
    const maxIds = yield* Settings.count("coalesce.maxIds", joining.maxIds ?? 100)
    return yield* Coalesce.make<unknown, DomainRequest.DomainApiError>({
      window,
      maxIds,
      closed: (path) => new Unreachable({ method: "GET", path, reason: "transport", detail: "the layer was closed" })
    })
  })

/**
 * Makes the service.
 *
 * **Details**
 *
 * - At most `maxConcurrent` requests are in flight and `requestsPerMinute` start in any minute; callers wait in order.
 * - 429 and 503 are tried again twice, after `Retry-After` (one of more than 60 seconds fails at once and is carried by
 *   the error) or else after 1 and 2 seconds. 500, which ERP.net answers to most faults of a request, never is.
 * - A change is tried again only where nothing can have been executed: no free licence (503), nothing to connect to.
 *   Where the answer is lost the error is `OutcomeUnknown`.
 * - Nonsense in the limits (zero, negative, NaN) is a defect.
 * - When the scope is closed, lookups that wait for a joined request fail with `Unreachable`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<Service, never, TokenProvider | HttpClient.HttpClient | Scope.Scope> =>
  Effect.gen(function* () {
    const tokens = yield* TokenProvider
    const policy = yield* makePolicy(options, tokens)
    const connections = yield* Session.make(
      policy,
      options,
      (given) => Option.getOrUndefined(Context.getOption(given, DomainApi)) === service
    )
    const context: Execute.Context = {
      connections,
      coalesces: options.coalesce !== undefined && options.coalesce !== false,
      lookups: yield* makeLookups(options),
      root: new URL(tokens.instance.odata).pathname
    }
    const service: Internal = {
      instance: tokens.instance,
      client: Session.clientOf(connections),
      execute: Execute.make(context),
      [InternalId]: context
    }
    return service
  })

/**
 * {@link make} as a layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<DomainApi, never, TokenProvider | HttpClient.HttpClient> =>
  Layer.scoped(DomainApi, make(options))

// --- running --------------------------------------------------------------------------------------------------------

/**
 * Runs a request that was made as a value.
 *
 * @category combinators
 * @since 0.2.0
 */
export const run: {
  <A, E extends InvalidValue>(
    request: DomainRequest.Read<A, E>
  ): Effect.Effect<A, DomainRequest.DomainApiError | E, DomainApi>
  <A>(request: DomainRequest.DomainRequest<A>): Effect.Effect<A, DomainRequest.WriteError, DomainApi>
} = <A>(request: DomainRequest.DomainRequest<A>): Effect.Effect<A, never, DomainApi> =>
  // Each of the two signatures is that of `execute`.
  Effect.flatMap(DomainApi, (api) => api.execute(request) as Effect.Effect<A>)

// --- reading --------------------------------------------------------------------------------------------------------

/**
 * Reads all rows of a query, page by page, into one array; with `top` at most so many, which up to `pageSize` is one
 * request. Without `top`, more than `maxRows` (100,000) fail with `TooManyRows`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const list = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {}
): Effect.Effect<ReadonlyArray<A>, DomainRequest.DomainApiError, DomainApi> => run(DomainRequest.list(set, query))

/**
 * Reads all rows of a query, page by page.
 *
 * **Details**
 *
 * - `top` limits the rows that come out, `pageSize` (1000) is the size of a page. In version 0.1 `top` was the size of a
 *   page here: where it is given without `pageSize`, a warning is logged once.
 * - The server's `@odata.nextLink` is followed as it is given; a link to another origin is `ForeignOrigin`, one to a page
 *   that was read before is `PagingLoop`. A full page without a link is asked on with `$skip`.
 * - An error knows where the reading stood ({@link positionOf}): a stream with that as `from` goes on there.
 * - The next page is asked for once the consumer has taken some 60 % of the current one: never earlier, and never two
 *   ahead. `Stream.take(1500)` makes two requests.
 * - The rows of a page come out when the whole page has arrived and fits the Schema; what came out before a failure
 *   stays out. A token that dies on the way costs one renewal and repeats no row.
 *
 * @category combinators
 * @since 0.1.0
 */
export const stream = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {}
): Stream.Stream<A, DomainRequest.DomainApiError, DomainApi> =>
  Stream.fromPull(
    Effect.zipRight(
      warnOfTop(query),
      Effect.flatMap(DomainApi, (api) => Paging.pull(pagesOf(api, set, query)))
    )
  )

/**
 * Where a stream stood when it failed: the page that it could not read, and the rows before it. A stream with this as
 * `from` goes on there, without a row that came out already.
 *
 * ```ts
 * import { DomainApi, EntitySet } from "effect-erpnet"
 * import { Option, Schema, Stream } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Number: Schema.String }))
 *
 * export const customers = DomainApi.stream(Customers).pipe(
 *   Stream.catchAll((error) =>
 *     DomainApi.stream(Customers, { from: Option.getOrUndefined(DomainApi.positionOf(error)) })
 *   )
 * )
 * ```
 *
 * @category combinators
 * @since 0.2.0
 */
export const positionOf: (error: unknown) => Option.Option<Query.Position> = Position.positionOf

let warned = false

/** Programs of version 0.1 meant the size of a page by `top`, and would lose rows without a word. */
const warnOfTop = ({ pageSize, top }: Pick<Query.Query<never, never>, "top" | "pageSize">): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (top === undefined || pageSize !== undefined || warned) return Effect.void
    warned = true
    return Effect.logWarning(
      `DomainApi.stream: top is ${top}, and since version 0.2 it limits the rows that come out; the size of a page is ` +
        "pageSize. Give pageSize as well where this is meant. This is said once."
    )
  })

const pagesOf = <A, I, F, O extends string>(
  api: Service,
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>>
): Paging.Source<A> => ({
  first: DomainRequest.page(set, query),
  before: typeof query.from === "object" ? query.from.rows : 0,
  fetch: (read) =>
    isInternal(api) ? Execute.readLater(api[InternalId], read) : Effect.map(api.execute(read), Effect.succeed)
})

/**
 * Reads the pages of a query, each as a whole: its rows, the link to the next page, and the time by the server's clock.
 * The next page is asked for when a page is taken.
 *
 * **When to use**
 *
 * Where a program keeps its place: a page's `nextLink` holds neither token nor session, so that another process may go
 * on with it as `from`. For rows alone there is {@link stream}, whose errors and rules hold here too.
 *
 * @category combinators
 * @since 0.2.0
 */
export const pages = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {}
): Stream.Stream<DomainRequest.Page<A>, DomainRequest.DomainApiError, DomainApi> =>
  Stream.fromPull(
    Effect.flatMap(DomainApi, (api) => Effect.map(Paging.pullPages(pagesOf(api, set, query)), Effect.map(Chunk.of)))
  )

/**
 * Reads one entity by its id: a guid, or an `EntityId` as rows hold them. `NotFound` where there is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const get = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  query: DomainRequest.LookupOptions = {}
): Effect.Effect<A, DomainRequest.DomainApiError, DomainApi> => run(DomainRequest.get(set, id, query))

/**
 * Reads one entity by its id, or nothing where there is none.
 *
 * @category combinators
 * @since 0.1.0
 */
export const find = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  query: DomainRequest.LookupOptions = {}
): Effect.Effect<Option.Option<A>, DomainRequest.DomainApiError, DomainApi> => run(DomainRequest.find(set, id, query))

/**
 * Reads the first row of a query, or nothing where there is none. It asks the server for one row.
 *
 * @see {@link find} looks an entity up by its id
 * @category combinators
 * @since 0.2.0
 */
export const first = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Omit<Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>>, "top"> = {}
): Effect.Effect<Option.Option<A>, DomainRequest.DomainApiError, DomainApi> => run(DomainRequest.first(set, query))

/**
 * The number of rows that match the filter and the search of a query.
 *
 * @category combinators
 * @since 0.1.0
 */
export const count = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Pick<
    Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>>,
    "filter" | "search" | "context" | "headers"
  > = {}
): Effect.Effect<number, DomainRequest.DomainApiError, DomainApi> => run(DomainRequest.count(set, query))

/**
 * Reads anything else below the service root: `path` is resolved against it, the JSON answer decoded by `schema`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const request = <A, I, R>(
  path: string,
  schema: Schema.Schema<A, I, R>,
  options: Pick<DomainRequest.RequestOptions, "headers"> = {}
): Effect.Effect<A, DomainRequest.DomainApiError, DomainApi | R> =>
  Effect.flatten(run(DomainRequest.requestEffect(path, schema, options)))

const RenamedEntityTypes = lazySchema(() =>
  Schema.Struct({ value: Schema.Array(Schema.Struct({ OldName: Schema.String, NewName: Schema.String })) })
)

/**
 * The current name of an entity set, by the server's list of renames (`GetRenamedEntityTypes`); a name that was never
 * changed is the answer itself.
 *
 * @category combinators
 * @since 0.1.0
 */
export const currentName = (entitySet: string): Effect.Effect<string, DomainRequest.DomainApiError, DomainApi> =>
  Effect.map(request("GetRenamedEntityTypes", RenamedEntityTypes), ({ value }) => {
    const renames = new Map(value.map(({ NewName, OldName }) => [OldName, NewName]))
    const seen = new Set<string>()
    let name = entitySet
    for (let next = renames.get(name); next !== undefined && !seen.has(next); next = renames.get(name)) {
      seen.add(name)
      name = next
    }
    return name
  })

// --- writing --------------------------------------------------------------------------------------------------------

/**
 * Options of a change.
 *
 * @category options
 * @since 0.1.0
 * @deprecated Use `DomainRequest.RequestOptions`.
 */
export type WriteOptions = DomainRequest.RequestOptions

/**
 * Creates an entity, or what the annotation `@erpnet.action` says, and gives its id. Fields that are left out get the
 * server's defaults; the others are sent, and applied, in the order in which they are given.
 *
 * @category combinators
 * @since 0.1.0
 */
export const create = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  value: EntityInput.EntityInput<NoInfer<A>>,
  options: DomainRequest.RequestOptions = {}
): Effect.Effect<EntityId.EntityId, DomainRequest.WriteError, DomainApi> =>
  run(DomainRequest.create(set, value, options))

/**
 * Creates an entity with a key of another system, or updates the one that has it already. The same call twice changes
 * nothing the second time, so it is safe to repeat after `OutcomeUnknown`. The annotations for the action and the
 * search are its own; those of the value are not used.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  key: { readonly ExternalId: string; readonly ExternalSystem?: string | undefined },
  value: EntityInput.EntityInput<NoInfer<A>>,
  options: DomainRequest.RequestOptions = {}
): Effect.Effect<EntityId.EntityId, DomainRequest.WriteError, DomainApi> =>
  run(DomainRequest.merge(set, key, value, options))

/**
 * Changes some fields of an entity. Where they include `ObjectVersion`, as it was read, a change by somebody else
 * meanwhile is `ConcurrencyConflict` and nothing is written:
 *
 * ```ts
 * import { DomainApi, EntitySet } from "effect-erpnet"
 * import { Effect, Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({
 *   GracePeriodDays: Schema.Int,
 *   ObjectVersion: Schema.Int
 * }))
 *
 * export const extend = (id: string) =>
 *   Effect.gen(function* () {
 *     const { GracePeriodDays, ObjectVersion } = yield* DomainApi.get(Customers, id)
 *     yield* DomainApi.update(Customers, id, { ObjectVersion, GracePeriodDays: GracePeriodDays + 5 })
 *   }).pipe(Effect.retry({ times: 3, while: (error) => error._tag === "ConcurrencyConflict" }))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const update = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  patch: EntityInput.EntityInput<NoInfer<A>>,
  options: DomainRequest.RequestOptions = {}
): Effect.Effect<void, DomainRequest.WriteError, DomainApi> => run(DomainRequest.update(set, id, patch, options))

/**
 * Deletes an entity.
 *
 * @category combinators
 * @since 0.1.0
 */
export const remove = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  options: DomainRequest.RequestOptions = {}
): Effect.Effect<void, DomainRequest.WriteError, DomainApi> => run(DomainRequest.remove(set, id, options))

/**
 * Changes some languages of a multilanguage field and keeps the others. ERP.net replaces such a field as a whole, so
 * it is read first; between reading and writing somebody else's change to the same field can get lost.
 *
 * @category combinators
 * @since 0.1.0
 */
export const updateTexts = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  field: keyof A & string,
  texts: ComplexType.MultilanguageString,
  options: DomainRequest.RequestOptions = {}
): Effect.Effect<void, DomainRequest.WriteError, DomainApi> =>
  Effect.flatMap(run(DomainRequest.updateTexts(set, id, field, texts, options)), run)

/**
 * Calls an action or a function, bound to an entity with `on`. An action is a change: it is not sent again where it may
 * have been executed.
 *
 * @category combinators
 * @since 0.1.0
 */
export const call = <Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  input: Input,
  options: DomainRequest.CallOptions = {}
): Effect.Effect<Output, DomainRequest.WriteError, DomainApi> => run(DomainRequest.call(operation, input, options))

// --- batches and transactions ---------------------------------------------------------------------------------------

/**
 * Options of {@link batch}.
 *
 * @category options
 * @since 0.1.0
 * @deprecated Use `Batch.Options`.
 */
export type BatchOptions = Batch.Options

/**
 * Sends several operations in one request, and gives the result of each by the name of the operation.
 *
 * **Details**
 *
 * - Reads stand alone, each with its own result. The changes of a changeset are executed all or not at all; the error
 *   of a failed one is `ChangesetFailed`, which names the operation. Changesets are independent of each other.
 * - An operation that cannot be written (`InvalidQuery`, `InvalidValue`) fails the batch, and nothing is sent.
 * - With a changeset the batch is a change: it is never sent again where it may have been executed, and where its
 *   answer is lost the error is `OutcomeUnknown`. Without one it is a read, and is retried as one.
 * - An answer that does not match the request part by part is `ResponseInvalid`; no result is taken from it.
 * - In a transaction a batch is refused with `InvalidQuery`: ERP.net does not document whether its operations would
 *   belong to the transaction.
 *
 * @category combinators
 * @since 0.1.0
 */
export const batch = <const Operations extends Readonly<Record<string, Batch.Operation>>>(
  operations: Operations,
  options: Batch.Options = {}
): Effect.Effect<Batch.Results<Operations>, DomainRequest.WriteError, DomainApi> => run(Batch.make(operations, options))

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
 * Options of a {@link transaction}.
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
): Effect.Effect<A, E | DomainRequest.WriteError | TransactionLost, DomainApi | Exclude<R, DomainApi | Transaction>> =>
  Effect.flatMap(DomainApi, (api) => {
    if (!isInternal(api)) return Effect.die(new Cause.IllegalArgumentException(standIn))
    const { connections } = api[InternalId]
    // A service of its own: an effect that is given the outer one stays outside.
    const effectOf = (id: string) =>
      Effect.provide(effect, Context.make(DomainApi, { ...api }).pipe(Context.add(Transaction, { id })))
    return Session.withConnection(connections, (connection) =>
      connection.transaction === undefined
        ? withSpan(
            "DomainApi.transaction",
            () => ({ "erpnet.transaction.model": options.model ?? "common" }),
            () => Transactions.run(connections, effectOf, options)
          )
        : effectOf(connection.transaction)
    )
  })

const standIn = "DomainApi.transaction needs a service made by DomainApi.make or DomainApi.layer, not a stand-in"

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
export const changes: Effect.Effect<Changes, DomainRequest.DomainApiError, DomainApi | Transaction> = Effect.zipRight(
  Transaction,
  request("GetChanges", Transactions.ChangesAnswer)
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
export const changesStream: Stream.Stream<Changes, DomainRequest.DomainApiError, DomainApi | Transaction> =
  Stream.repeatEffect(Effect.zipRight(Transaction, request("WaitForChanges", Transactions.ChangesAnswer))).pipe(
    Stream.filter((changed) => !isEmpty(changed))
  )
