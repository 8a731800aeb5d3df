/**
 * One request to the Domain API as a value: where it goes, what it carries, and what its answer means.
 *
 * **When to use**
 *
 * - `DomainApi.list(...)` is short for `DomainApi.run(DomainRequest.list(...))`; so are the other functions of
 *   `DomainApi`.
 * - A service of your own that holds `DomainApi` sends a request with `api.execute(request)`, which needs nothing more.
 * - `DomainApi.batch` sends several of them in one HTTP request.
 *
 * @example
 * ```ts
 * import { DomainApi, DomainRequest, EntitySet, Filter } from "effect-erpnet"
 * import { Context, Effect, Layer, Schema } from "effect"
 *
 * const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Number: Schema.String }))
 *
 * class Lookup extends Context.Tag("app/Lookup")<Lookup, {
 *   readonly exists: (number: string) => Effect.Effect<boolean, DomainApi.DomainApiError>
 * }>() {
 *   static readonly layer = Layer.effect(
 *     Lookup,
 *     Effect.map(DomainApi.DomainApi, (api) => ({
 *       exists: (number) =>
 *         Effect.map(
 *           api.execute(DomainRequest.count(Customers, { filter: Filter.eq("Number", number) })),
 *           (count) => count > 0
 *         )
 *     }))
 *   )
 * }
 * ```
 *
 * @since 0.2.0
 */
import * as Headers from "@effect/platform/Headers"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as ComplexType from "./ComplexType.ts"
import { completed } from "./DomainRequest/complete.ts"
import * as Decode from "./DomainRequest/decode.ts"
import * as PageOf from "./DomainRequest/page.ts"
import * as EntityId from "./EntityId.ts"
import * as EntityInput from "./EntityInput.ts"
import type * as EntitySet from "./EntitySet.ts"
import {
  type DomainApiError,
  InvalidQuery,
  InvalidValue,
  NotFound,
  ResponseInvalid,
  TooManyRows,
  type WriteError
} from "./ErpNetError.ts"
import type * as Filter from "./Filter.ts"
import * as AnswerBody from "./internal/answerBody.ts"
import { isGuid } from "./internal/guid.ts"
import { isIdentifier } from "./internal/identifier.ts"
import { lazySchema } from "./internal/lazySchema.ts"
import * as LosslessJson from "./internal/losslessJson.ts"
import { describe, formatPath } from "./internal/parseFault.ts"
import { prepare, shapeOf } from "./internal/rowShape.ts"
import { quote } from "./internal/uri.ts"
import type { Operation } from "./Operation.ts"
import * as Query from "./Query.ts"

export { isNotExecuted, toWriteError } from "./DomainRequest/writeError.ts"
export type { DomainApiError, WriteError } from "./ErpNetError.ts"

// --- models ---------------------------------------------------------------------------------------------------------

export type { RequestOptions } from "./Query.ts"

/**
 * A 2xx answer of the API.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly text: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The service root that it came from, with a slash at its end. */
  readonly root: string
  /** The path of the request that it answers, without the query. */
  readonly path: string
  /** When it arrived, in milliseconds by the program's clock. */
  readonly receivedAt: number
  /** Tells whether a text of the answer holds the token that was sent for it. */
  readonly holdsToken: (text: string) => boolean
}

/**
 * A request as it is sent.
 *
 * @category models
 * @since 0.2.0
 */
export interface WireRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE"
  /** Below the service root; a next link stands as the server gave it. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: { readonly text: string; readonly contentType: string } | undefined
}

/**
 * What an answer gives: the value, or the request that brings what is missing of it.
 *
 * @category models
 * @since 0.2.0
 */
export type Step<A> = { readonly _tag: "Done"; readonly value: A } | { readonly _tag: "More"; readonly next: Read<A> }

/** What both kinds of requests have. */
interface Named {
  /** The function of `DomainApi` that the request belongs to: `list`, `create`. */
  readonly operation: string
  /** The entity set, the operation or the path that the request is about. */
  readonly target: string
  /** The attributes of its span. */
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * A request that reads `A` and changes nothing, so it may be sent again.
 *
 * @category models
 * @since 0.1.0
 */
export interface Read<out A, out E extends InvalidValue = never> extends Named {
  readonly _tag: "Read"
  /** The request; or why it cannot be sent. */
  readonly request: Either.Either<WireRequest, DomainApiError | E>
  readonly decode: (answer: Answer) => Either.Either<Step<A>, DomainApiError>
  /** The value, where it is known without sending anything. */
  readonly known?: { readonly value: A } | undefined
  /** What an error of this request stands for, where it is an answer: nothing found. */
  readonly recover?: ((error: DomainApiError | InvalidValue) => Option.Option<A>) | undefined
  /** How the request is joined with others of its kind. */
  readonly lookup?: Lookup<A> | undefined
}

/**
 * A request that may change data and gives `A`. It is never sent again where it may have been executed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change<out A> extends Named {
  readonly _tag: "Change"
  /** The request, given what the names of earlier operations of a changeset stand for; or why it cannot be sent. */
  readonly request: (contentIdOf: ContentIds) => Either.Either<WireRequest, DomainApiError | InvalidValue>
  readonly decode: (answer: Answer) => Either.Either<Step<A>, WriteError>
}

/**
 * One request to the Domain API, which gives `A`.
 *
 * @category models
 * @since 0.2.0
 */
export type DomainRequest<A> = Read<A, InvalidValue> | Change<A>

/**
 * How an id is looked up together with those of other fibers.
 *
 * @category models
 * @since 0.2.0
 */
export interface Lookup<out A> {
  /** A guid in lower case. */
  readonly id: string
  /** Whether to join; where it does not say, the layer decides. */
  readonly coalesce: boolean | undefined
  /** Lookups with the same key may share a request. */
  readonly key: string
  /** The request for several ids, which gives the row of each as it was sent. */
  readonly together: (ids: ReadonlyArray<string>) => Read<RowOf>
  /** Decodes a row of the shared answer. */
  readonly decode: (row: unknown) => Either.Either<Step<A>, DomainApiError>
}

/**
 * The row of an id, as it was sent.
 *
 * @category models
 * @since 0.2.0
 */
export type RowOf = (id: string) => Either.Either<unknown, DomainApiError>

/**
 * The Content-ID of an earlier operation of the changeset, by its name.
 *
 * @category models
 * @since 0.1.0
 */
export type ContentIds = (name: string) => Option.Option<string>

/**
 * Stands for the entity of an earlier operation of the same changeset, by the name of that operation. ERP.net documents
 * it for addresses only, so it is the target of a change and never a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reference {
  readonly _tag: "Reference"
  readonly name: string
}

/**
 * Rows of one answer.
 *
 * @category models
 * @since 0.2.0
 */
export interface Page<out A> {
  readonly rows: ReadonlyArray<A>
  /**
   * The address of the next page: the link as the server gave it, or a request with `$skip` where it gave none for a
   * full page; none on the last one. It can be kept, and given to a query as `from`.
   */
  readonly nextLink: string | undefined
  /** The request for the next page; none on the last one. */
  readonly next: Read<Page<A>> | undefined
  /** When the server answered, by its own clock (header `Date`), in milliseconds since 1970. */
  readonly date: number | undefined
}

// --- options --------------------------------------------------------------------------------------------------------

/**
 * Options of a lookup by id.
 *
 * @category options
 * @since 0.1.0
 */
export interface LookupOptions extends Query.RowOptions {
  /**
   * Joins the lookup with those of the same entity set and options that other fibers ask for within a short time: one
   * request with `$filter=Id in (...)` instead of one for each. Nothing is remembered. In a transaction and in a batch
   * it has no effect.
   *
   * @default the option of the layer, which is `false`
   */
  readonly coalesce?: boolean | undefined
}

/**
 * Options of {@link create}.
 *
 * @category options
 * @since 0.1.0
 */
export interface CreateOptions extends Query.RequestOptions {
  /** Creates a child of an entity that the changeset made before: `{ owner: Batch.reference("product"), collection: "Prices" }`. */
  readonly within?: { readonly owner: Reference; readonly collection: string } | undefined
}

/**
 * Options of {@link call}.
 *
 * @category options
 * @since 0.2.0
 */
export interface CallOptions extends Query.RequestOptions {
  /** The entity that the operation is bound to. */
  readonly on?: EntityId.EntityId | undefined
}

// --- reading --------------------------------------------------------------------------------------------------------

const done = <A>(value: A): Step<A> => ({ _tag: "Done", value })

const withQuery = (path: string, query: string): string => (query === "" ? path : `${path}?${query}`)

const aboutSet = (operation: string, entitySet: string): Named => ({
  operation,
  target: entitySet,
  attributes: { "erpnet.entity_set": entitySet }
})

/** The request whose value is made of the value of another. */
const map = <A, B, E extends InvalidValue>(read: Read<A, E>, operation: string, f: (value: A) => B): Read<B, E> => ({
  _tag: "Read",
  operation,
  target: read.target,
  attributes: read.attributes,
  request: read.request,
  decode: (answer) =>
    Either.map(read.decode(answer), (step) =>
      step._tag === "Done" ? done(f(step.value)) : { _tag: "More", next: map(step.next, operation, f) }
    )
})

/**
 * Reads one page of rows, whose value holds the request for the next one.
 *
 * @category constructors
 * @since 0.2.0
 */
export const page = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {}
): Read<Page<A>> => PageOf.first<A, I, F, O>(set, query)

/** How many rows a list holds at most. */
const defaultMaxRows = 100_000

/** Reads page after page, until there is none or there are too many rows. */
const gather = <A>(read: Read<Page<A>>, rows: ReadonlyArray<A>, maxRows: number): Read<ReadonlyArray<A>> => ({
  _tag: "Read",
  operation: "list",
  target: read.target,
  attributes: read.attributes,
  request: read.request,
  decode: (answer) => Either.flatMap(read.decode(answer), (step) => gatherStep(step, rows, maxRows, read.target))
})

const gatherStep = <A>(
  step: Step<Page<A>>,
  rows: ReadonlyArray<A>,
  maxRows: number,
  entitySet: string
): Either.Either<Step<ReadonlyArray<A>>, DomainApiError> => {
  if (step._tag === "More") return Either.right({ _tag: "More", next: gather(step.next, rows, maxRows) })
  const { next, rows: fresh } = step.value
  const all = rows.length === 0 ? fresh : [...rows, ...fresh]
  if (all.length > maxRows) return Either.left(new TooManyRows({ entitySet, maxRows }))
  return Either.right(next === undefined ? done(all) : { _tag: "More", next: gather(next, all, maxRows) })
}

/**
 * Reads all rows of a query, page by page; with `top` at most so many. More than `maxRows` are `TooManyRows`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const list = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>> = {}
): Read<ReadonlyArray<A>> =>
  gather(page(set, query), [], query.top === undefined ? (query.maxRows ?? defaultMaxRows) : Number.POSITIVE_INFINITY)

/**
 * Reads the first row of a query, or nothing where there is none.
 *
 * @category constructors
 * @since 0.2.0
 */
export const first = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Omit<Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>>, "top"> = {}
): Read<Option.Option<A>> => map(page(set, { ...query, top: 1 }), "first", ({ rows }) => Arr.head(rows))

const entityPath = (entitySet: string, id: EntityId.Input): Either.Either<string, InvalidQuery> => {
  const guid = typeof id === "string" ? id : id.id
  return isGuid(guid)
    ? Either.right(`${entitySet}(${guid.toLowerCase()})`)
    : Either.left(new InvalidQuery({ option: "id", reason: "it must be a guid" }))
}

/** The rows of the answer to a request for several ids, each as it was sent. */
const rowsById = <A, I>(set: EntitySet.EntitySet<A, I>, answer: Answer, value: ReadonlyArray<unknown>): RowOf => {
  const rows = new Map(value.map((row) => [Decode.idOfRow(row), row]))
  const missing = rows.has(undefined)
    ? new ResponseInvalid({
        entitySet: set.name,
        path: "value",
        reason: "a row without an id, so it cannot be assigned"
      })
    : undefined
  return (id) => {
    if (!rows.has(id)) {
      return Either.left(missing ?? new NotFound({ method: "GET", path: `${answer.path}(${id})`, status: 404 }))
    }
    const row = rows.get(id)
    return Either.map(Decode.checkError(set, answer, row, "value"), () => row)
  }
}

const togetherUrl = (entitySet: string, ids: ReadonlyArray<string>, options: string): string =>
  withQuery(entitySet, [`$filter=Id%20in%20(${ids.join(",")})`, options].filter((part) => part !== "").join("&"))

/** One request for several entities. */
const getTogether = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  ids: ReadonlyArray<string>,
  rendered: Either.Either<string, InvalidQuery>,
  headers: Query.RequestOptions["headers"]
): Read<RowOf> => ({
  _tag: "Read",
  ...aboutSet("lookup", set.name),
  request: Either.map(rendered, (options) => ({ method: "GET", url: togetherUrl(set.name, ids, options), headers })),
  decode: (answer) =>
    Either.flatMap(Decode.parse(set.name, answer.text, set.lossless), (body) =>
      completed(
        {
          target: set.name,
          lossless: set.lossless,
          url: togetherUrl(
            set.name,
            ids,
            Either.getOrElse(rendered, () => "")
          ),
          answer
        },
        body,
        "",
        (whole) => Either.map(Decode.rowsOf(set.name, whole), (value) => done(rowsById(set, answer, value)))
      )
    )
})

/**
 * Reads one entity by its id: a guid, or an `EntityId` as rows hold them. `NotFound` where there is none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const get = <A, I>(set: EntitySet.EntitySet<A, I>, id: EntityId.Input, query: LookupOptions = {}): Read<A> => {
  const guid = (typeof id === "string" ? id : id.id).toLowerCase()
  const path = entityPath(set.name, id)
  const rendered = Query.renderEntity(set, query)
  const skipNulls = Query.skipsNulls(query)
  return {
    _tag: "Read",
    ...aboutSet("get", set.name),
    request: Either.zipWith(path, rendered, (given, options) => ({
      method: "GET",
      url: withQuery(given, options),
      headers: query.headers
    })),
    decode: (answer) =>
      Either.gen(function* () {
        const body = yield* Decode.parse(set.name, answer.text, set.lossless)
        const named = Decode.namedId(body)
        if (named !== undefined && named !== guid) {
          return yield* Decode.refuse(set.name, "@odata.id", "the answer is about another entity")
        }
        yield* Decode.checkError(set, answer, body, "error")
        const url = Either.match(path, { onLeft: () => "", onRight: (given) => given })
        return yield* completed({ target: set.name, lossless: set.lossless, url, answer }, body, "", (whole) =>
          Either.map(Decode.decodeRow(set, whole, skipNulls), done)
        )
      }),
    lookup: {
      id: guid,
      coalesce: query.coalesce,
      key: JSON.stringify([
        set.name,
        Either.merge(rendered),
        set.lossless,
        Object.entries(Headers.fromInput(query.headers)).sort()
      ]),
      together: (ids) => getTogether(set, ids, rendered, query.headers),
      decode: (row) => Either.map(Decode.decodeRow(set, row, skipNulls), done)
    }
  }
}

/**
 * Reads one entity by its id, or nothing where there is none.
 *
 * @category constructors
 * @since 0.2.0
 */
export const find = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  query: LookupOptions = {}
): Read<Option.Option<A>> => {
  const read = get(set, id, query)
  const { lookup } = read
  const asSome = Either.map(
    (step: Step<A>): Step<Option.Option<A>> =>
      step._tag === "Done"
        ? done(Option.some(step.value))
        : { _tag: "More", next: map(step.next, read.operation, Option.some) }
  )
  return {
    // Its span is that of `get`, as it has always been.
    ...map(read, read.operation, Option.some),
    recover: (error) => (error._tag === "NotFound" ? Option.some(Option.none()) : Option.none()),
    lookup: lookup && { ...lookup, decode: (row) => asSome(lookup.decode(row)) }
  }
}

/**
 * Reads the number of rows that match the filter and the search of a query.
 *
 * @category constructors
 * @since 0.2.0
 */
export const count = <A, I, F = Filter.Fields<A, I>, O extends string = Query.OrderField<I>>(
  set: EntitySet.Queryable<A, I, F, O>,
  query: Pick<
    Query.Query<NoInfer<A>, NoInfer<I>, NoInfer<F>, NoInfer<O>>,
    "filter" | "search" | "context" | "headers"
  > = {}
): Read<number> => ({
  _tag: "Read",
  ...aboutSet("count", set.name),
  request: Either.map(Query.renderCount(set, query), (text) => ({
    method: "GET",
    url: withQuery(`${set.name}/$count`, text),
    headers: { accept: "text/plain", ...query.headers }
  })),
  decode: ({ text }) => {
    const number = AnswerBody.plain(text)
    return /^\d+$/.test(number)
      ? Either.right(done(Number(number)))
      : Decode.refuse(set.name, "$count", "expected a whole number")
  }
})

/**
 * Reads anything else below the service root: `path` is resolved against it, the answer given as it is.
 *
 * @category constructors
 * @since 0.2.0
 */
export const raw = (path: string, options: Pick<Query.RequestOptions, "headers"> = {}): Read<Answer> => {
  const target = path.replace(/[?#].*$/s, "")
  return {
    _tag: "Read",
    operation: "request",
    target,
    attributes: { "url.path": target },
    request: Either.right({ method: "GET", url: path, headers: options.headers }),
    decode: (answer) => Either.right(done(answer))
  }
}

/** The JSON of an answer with all its collections, as a Schema takes it. */
const completedFor = <A>(
  path: string,
  schema: Schema.Schema.All,
  answer: Answer,
  finish: (body: unknown) => Either.Either<Step<A>, DomainApiError>
): Either.Either<Step<A>, DomainApiError> => {
  const shape = shapeOf(schema)
  const target = path.replace(/[?#].*$/s, "")
  // A Schema that asks for the link, or a path with $top, wants one page.
  const byHand = shape.fields.has("@odata.nextLink") || /[?&]\$top=/.test(path)
  return Either.flatMap(Decode.parse(target, answer.text, shape.holdsLossless), (body) =>
    byHand
      ? finish(prepare(shape, body, false))
      : completed({ target, lossless: shape.holdsLossless, url: path, answer }, body, "", (whole) =>
          finish(prepare(shape, whole, false))
        )
  )
}

/**
 * Reads anything else below the service root: `path` is resolved against it, the JSON answer decoded by `schema`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const request = <A, I>(
  path: string,
  schema: Schema.Schema<A, I>,
  options: Pick<Query.RequestOptions, "headers"> = {}
): Read<A> => {
  const { known: _, lookup: __, recover: ___, ...read } = raw(path, options)
  return {
    ...read,
    decode: (answer) =>
      completedFor(path, schema, answer, (body) =>
        Either.mapBoth(Schema.decodeUnknownEither(schema)(body), {
          onLeft: (error) => Decode.invalid(read.target, error, []),
          onRight: done
        })
      )
  }
}

/**
 * {@link request} for a Schema that needs services or decodes by an Effect: the value is the Effect that decodes.
 *
 * @category constructors
 * @since 0.2.0
 */
export const requestEffect = <A, I, R>(
  path: string,
  schema: Schema.Schema<A, I, R>,
  options: Pick<Query.RequestOptions, "headers"> = {}
): Read<Effect.Effect<A, ResponseInvalid, R>> => {
  const { known: _, lookup: __, recover: ___, ...read } = raw(path, options)
  return {
    ...read,
    decode: (answer) =>
      completedFor(path, schema, answer, (body) =>
        Either.right(
          done(Effect.mapError(Schema.decodeUnknown(schema)(body), (error) => Decode.invalid(read.target, error, [])))
        )
      )
  }
}

// --- writing --------------------------------------------------------------------------------------------------------

const json = (value: unknown) => ({
  text: LosslessJson.stringify(value) ?? "null",
  contentType: "application/json"
})

const urlOf = (path: string, options: Query.RequestOptions) =>
  Either.map(Query.renderContext(options.context), (query) => withQuery(path, query))

/** The id in the answer to a POST: in its body, or in the header `Location`. */
const createdId = (entitySet: string, answer: Answer): Either.Either<Step<EntityId.EntityId>, ResponseInvalid> => {
  const body = answer.text === "" ? undefined : Either.getOrUndefined(Decode.parse(entitySet, answer.text, false))
  const named = Predicate.hasProperty(body, "@odata.id") ? body["@odata.id"] : answer.headers["location"]
  return Either.map(
    Either.fromOption(
      typeof named === "string" ? EntityId.parse(named) : Option.none(),
      () =>
        new ResponseInvalid({
          entitySet,
          path: "@odata.id",
          reason: "the answer names no id, though it says that the entity was created"
        })
    ),
    done
  )
}

/** The answer to a change that gives nothing. */
const ignoreBody = (): Either.Either<Step<void>> => Either.right(done(undefined))

/**
 * An earlier operation of the same changeset, as the target of a change.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reference = (name: string): Reference => ({ _tag: "Reference", name })

const referencePath = ({ name }: Reference, contentIdOf: ContentIds): Either.Either<string, InvalidQuery> =>
  Either.map(
    Either.fromOption(
      contentIdOf(name),
      () => new InvalidQuery({ option: "reference", reason: "it must name an earlier operation of the same changeset" })
    ),
    (contentId) => `$${contentId}`
  )

const isReference = (target: EntityId.Input | Reference): target is Reference => Predicate.isTagged(target, "Reference")

/** The URL of a change to an entity, or to what an earlier operation made. */
const targetUrl = (
  entitySet: string,
  target: EntityId.Input | Reference,
  options: Query.RequestOptions,
  contentIdOf: ContentIds
): Either.Either<string, InvalidQuery> =>
  Either.flatMap(isReference(target) ? referencePath(target, contentIdOf) : entityPath(entitySet, target), (path) =>
    urlOf(path, options)
  )

/**
 * Creates an entity, or what the annotation `@erpnet.action` says, and gives its id. Fields that are left out get the
 * server's defaults; the others are sent, and applied, in the order in which they are given.
 *
 * @category constructors
 * @since 0.1.0
 */
export const create = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  value: EntityInput.EntityInput<NoInfer<A>>,
  options: CreateOptions = {}
): Change<EntityId.EntityId> => ({
  _tag: "Change",
  ...aboutSet("create", set.name),
  request: (contentIdOf) =>
    Either.gen(function* () {
      const { within } = options
      if (within !== undefined && !isIdentifier(within.collection)) {
        return yield* Either.left(new InvalidQuery({ option: "collection", reason: "it must be a single name" }))
      }
      const path =
        within === undefined ? set.name : `${yield* referencePath(within.owner, contentIdOf)}/${within.collection}`
      const body = json(yield* EntityInput.encode(set, value))
      return { method: "POST", url: yield* urlOf(path, options), headers: options.headers, body }
    }),
  decode: (answer) => createdId(set.name, answer)
})

/**
 * Creates an entity with a key of another system, or updates the one that has it already. The same call twice changes
 * nothing the second time, so it is safe to repeat after `OutcomeUnknown`. The annotations for the action and the
 * search are its own; those of the value are not used.
 *
 * @category constructors
 * @since 0.2.0
 */
export const merge = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  key: { readonly ExternalId: string; readonly ExternalSystem?: string | undefined },
  value: EntityInput.EntityInput<NoInfer<A>>,
  options: Query.RequestOptions = {}
): Change<EntityId.EntityId> => ({
  _tag: "Change",
  ...aboutSet("merge", set.name),
  request: () =>
    Either.gen(function* () {
      const { "@odata.type": type, ...fields } = yield* EntityInput.encode(set, {
        ...value,
        "@erpnet.action": undefined,
        "@erpnet.findBy": undefined
      })
      const annotations = { "@odata.type": type, "@erpnet.action": "merge", "@erpnet.findBy": key }
      const body = json({ ...annotations, ...key, ...fields })
      return { method: "POST", url: yield* urlOf(set.name, options), headers: options.headers, body }
    }),
  decode: (answer) => createdId(set.name, answer)
})

/**
 * Changes some fields of an entity.
 *
 * @category constructors
 * @since 0.1.0
 */
export const update = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  target: EntityId.Input | Reference,
  patch: EntityInput.EntityInput<NoInfer<A>>,
  options: Query.RequestOptions = {}
): Change<void> => ({
  _tag: "Change",
  ...aboutSet("update", set.name),
  request: (contentIdOf) =>
    Either.gen(function* () {
      const body = json(yield* EntityInput.encode(set, patch))
      const url = yield* targetUrl(set.name, target, options, contentIdOf)
      return { method: "PATCH", url, headers: options.headers, body }
    }),
  decode: ignoreBody
})

/**
 * Deletes an entity.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remove = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  target: EntityId.Input | Reference,
  options: Query.RequestOptions = {}
): Change<void> => ({
  _tag: "Change",
  ...aboutSet("remove", set.name),
  request: (contentIdOf) =>
    Either.map(targetUrl(set.name, target, options, contentIdOf), (url) => ({
      method: "DELETE",
      url,
      headers: options.headers
    })),
  decode: ignoreBody
})

const Texts = lazySchema(() => Schema.NullOr(ComplexType.MultilanguageString))

/**
 * Reads a multilanguage field, and gives the request that changes some of its languages and keeps the others.
 *
 * @category constructors
 * @since 0.2.0
 */
export const updateTexts = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: EntityId.Input,
  field: keyof A & string,
  texts: ComplexType.MultilanguageString,
  options: Query.RequestOptions = {}
): Read<Change<void>, InvalidValue> => {
  // In upper case, as they are read: otherwise the old text of a language would win over the new one.
  const changed = Either.mapLeft(Schema.encodeEither(ComplexType.MultilanguageString)(texts), (error) =>
    invalidInput(set.name, error.issue, [field])
  )
  const named = aboutSet("updateTexts", set.name)
  const url = Either.flatMap(entityPath(set.name, id), (path) => urlOf(path, options))
  const { headers } = options
  return {
    _tag: "Read",
    ...named,
    request: Either.zipWith(changed, url, (_, given) => ({
      method: "GET",
      url: `${given}${given.includes("?") ? "&" : "?"}$select=${field}`,
      headers
    })),
    decode: ({ text }) =>
      Either.gen(function* () {
        const row = yield* Decode.parse(set.name, text, false)
        const decoded = Schema.decodeUnknownEither(Schema.Struct({ [field]: Texts }))(row)
        const held = yield* Either.mapLeft(decoded, (error) => Decode.invalid(set.name, error, []))
        const request = Either.zipWith(
          changed,
          url,
          (fresh, given): WireRequest => ({
            method: "PATCH",
            url: given,
            headers,
            body: json({ [field]: { ...held[field], ...fresh } })
          })
        )
        return done<Change<void>>({ _tag: "Change", ...named, request: () => request, decode: ignoreBody })
      })
  }
}

const invalidInput = (
  name: string,
  issue: Parameters<typeof describe>[0],
  above: ReadonlyArray<PropertyKey> = []
): InvalidValue => {
  const fault = describe(issue)
  return new InvalidValue({ entitySet: name, path: formatPath([...above, ...fault.path]), reason: fault.reason })
}

// --- operations -----------------------------------------------------------------------------------------------------

/** A parameter of a function in the URL. */
const argument = (value: unknown): string =>
  typeof value === "string" ? encodeURIComponent(quote(value)).replaceAll("'", "%27") : String(value)

const encodeInput = <Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  input: Input
): Either.Either<unknown, InvalidValue> =>
  Either.mapLeft(Schema.encodeEither(operation.input)(input), (error) => invalidInput(operation.name, error.issue))

const functionPath = (target: string, parameters: unknown): string => {
  const given = Predicate.isRecord(parameters)
    ? Object.entries(parameters).filter(([, value]) => value !== undefined)
    : []
  const list = given.map(([name, value]) => `${name}=${argument(value)}`).join(",")
  // ERP.net documents functions without parameters without parentheses.
  return list === "" ? target : `${target}(${list})`
}

const decodeOutput = <Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  answer: Answer
): Either.Either<Step<Output>, DomainApiError> => {
  const decode = Schema.decodeUnknownEither(operation.output)
  const finish = Either.mapBoth({
    onLeft: (error: Parameters<typeof Decode.invalid>[1]) => Decode.invalid(operation.name, error, []),
    onRight: (value: Output) => done(value)
  })
  if (operation.output.ast._tag === "VoidKeyword") return finish(decode(undefined))
  const shape = shapeOf(operation.output)
  const origin = { target: operation.name, lossless: shape.holdsLossless, url: relativeUrl(answer), answer }
  // 204, and `@odata.null` in 4.0, stand for a result of null (OData 11.5.3).
  const parsed =
    answer.text === "" ? Either.right({ value: null }) : Decode.parse(operation.name, answer.text, shape.holdsLossless)
  return Either.flatMap(parsed, (body) =>
    completed(origin, body, "", (whole) => finish(decode(prepare(shape, resultOf(whole), false))))
  )
}

/** The result in an answer: its member `value` where it has no other members but annotations. */
const resultOf = (body: unknown): unknown => {
  if (!Predicate.isRecord(body)) return body
  if (body["@odata.null"] === true) return null
  const own = Object.keys(body).filter((name) => !name.startsWith("@"))
  return own.length === 1 && own[0] === "value" ? body["value"] : body
}

/** The address of an answer below the service root. */
const relativeUrl = ({ path, root }: Answer): string => path.slice(new URL(root).pathname.length)

const callAction = <Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  input: Input,
  options: CallOptions
): Change<Output> => ({
  _tag: "Change",
  ...aboutOperation(operation.name),
  request: () =>
    Either.gen(function* () {
      const body = json(yield* encodeInput(operation, input))
      return {
        method: "POST",
        url: yield* urlOf(boundPath(operation.name, options), options),
        headers: options.headers,
        body
      }
    }),
  decode: (answer) => decodeOutput(operation, answer)
})

const callFunction = <Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  input: Input,
  options: CallOptions
): Read<Output, InvalidValue> => ({
  _tag: "Read",
  ...aboutOperation(operation.name),
  request: Either.gen(function* () {
    const path = functionPath(boundPath(operation.name, options), yield* encodeInput(operation, input))
    return { method: "GET", url: yield* urlOf(path, options), headers: options.headers }
  }),
  decode: (answer) => decodeOutput(operation, answer)
})

const aboutOperation = (name: string): Named => ({
  operation: "call",
  target: name,
  attributes: { "erpnet.operation": name }
})

const boundPath = (name: string, { on }: CallOptions): string =>
  on === undefined ? name : `${EntityId.format(on)}/${name}`

function callOperation<Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded, "action">,
  input: Input,
  options?: CallOptions
): Change<Output>
function callOperation<Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded, "function">,
  input: Input,
  options?: CallOptions
): Read<Output, InvalidValue>
function callOperation<Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  input: Input,
  options?: CallOptions
): DomainRequest<Output>
function callOperation<Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  input: Input,
  options: CallOptions = {}
): DomainRequest<Output> {
  return operation.kind === "action" ? callAction(operation, input, options) : callFunction(operation, input, options)
}

/**
 * Calls an action or a function, bound to an entity with `on`. An action is a change: it is not sent again where it may
 * have been executed. A function only reads.
 *
 * @category constructors
 * @since 0.2.0
 */
export const call: {
  <Input, InputEncoded, Output, OutputEncoded>(
    operation: Operation<Input, InputEncoded, Output, OutputEncoded, "action">,
    input: Input,
    options?: CallOptions
  ): Change<Output>
  <Input, InputEncoded, Output, OutputEncoded>(
    operation: Operation<Input, InputEncoded, Output, OutputEncoded, "function">,
    input: Input,
    options?: CallOptions
  ): Read<Output, InvalidValue>
  <Input, InputEncoded, Output, OutputEncoded>(
    operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
    input: Input,
    options?: CallOptions
  ): DomainRequest<Output>
} = callOperation
