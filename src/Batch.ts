/**
 * The operations of a `$batch` as values: several reads and changes sent in one request by `DomainApi.batch`.
 *
 * @example
 * ```ts
 * import { Batch, ComplexType, DomainApi, EntitySet } from "effect-erpnet"
 * import { Effect, Schema } from "effect"
 *
 * const Groups = EntitySet.make("General_Products_ProductGroups", Schema.Struct({
 *   Code: Schema.String,
 *   Name: ComplexType.MultilanguageString
 * }))
 *
 * export const program = Effect.gen(function* () {
 *   const { all, made } = yield* DomainApi.batch({
 *     made: Batch.changeset({
 *       group: Batch.create(Groups, { Code: "G1", Name: { EN: "Fruit" } }),
 *       renamed: Batch.update(Groups, Batch.reference("group"), { Name: { EN: "Fruits" } })
 *     }),
 *     all: Batch.list(Groups, { top: 10 })
 *   })
 *   const { group } = yield* made // an EntityId, or ChangesetFailed
 *   return { group, groups: yield* all }
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as ComplexType from "./ComplexType.ts"
import type { Answer, DomainApiError } from "./DomainApi/calls.ts"
import * as EntityInput from "./EntityInput.ts"
import type * as EntitySet from "./EntitySet.ts"
import { type ChangesetFailed, InvalidQuery, type InvalidValue, ResponseInvalid } from "./ErpNetError.ts"
import { isIdentifier } from "./internal/identifier.ts"
import { decodeEntity, decodePage, defaultTop, entityPath, parse, skipsNulls, withQuery } from "./internal/reading.ts"
import { createdId } from "./internal/writing.ts"
import * as Query from "./Query.ts"

/**
 * A read in a batch, which gives `A`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Read<out A> {
  readonly _tag: "Read"
  readonly entitySet: string
  /** Below the service root; or why the operation cannot be sent. */
  readonly url: Either.Either<string, InvalidQuery>
  readonly decode: (answer: Answer) => Either.Either<A, ResponseInvalid>
}

/**
 * A change in a changeset, which gives `A`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change<out A> {
  readonly _tag: "Change"
  readonly entitySet: string
  /** The request, given what the names of earlier operations stand for; or why it cannot be sent. */
  readonly request: (contentIdOf: ContentIds) => Either.Either<ChangeRequest, InvalidQuery | InvalidValue>
  readonly decode: (answer: Answer) => Either.Either<A, ResponseInvalid>
}

/**
 * The Content-ID of an earlier operation of the changeset, by its name.
 *
 * @category models
 * @since 0.1.0
 */
export type ContentIds = (name: string) => Option.Option<string>

/**
 * A change as it is sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChangeRequest {
  readonly method: "POST" | "PATCH" | "DELETE"
  /** Below the service root. */
  readonly url: string
  readonly body: unknown
}

/**
 * Changes that are executed all or not at all, in the order in which they are given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changeset<out Operations extends Readonly<Record<string, Change<unknown>>>> {
  readonly _tag: "Changeset"
  readonly operations: Operations
}

/**
 * What a batch is made of.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = Read<unknown> | Changeset<Readonly<Record<string, Change<unknown>>>>

/**
 * The results of a changeset, by the names of its operations.
 *
 * @category models
 * @since 0.1.0
 */
export type ChangesetResults<Operations> = {
  readonly [Name in keyof Operations]: Operations[Name] extends Change<infer A> ? A : never
}

/**
 * What an operation of a batch gives.
 *
 * @category models
 * @since 0.1.0
 */
export type Result<Op> =
  Op extends Read<infer A>
    ? Either.Either<A, DomainApiError>
    : Op extends Changeset<infer Operations>
      ? Either.Either<ChangesetResults<Operations>, ChangesetFailed | ResponseInvalid>
      : never

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
 * What may be said with an operation.
 *
 * @category options
 * @since 0.1.0
 */
export interface ChangeOptions {
  /** The point of view of the operation. */
  readonly context?: Query.QueryContext | undefined
}

/**
 * What may be said with {@link create}.
 *
 * @category options
 * @since 0.1.0
 */
export interface CreateOptions extends ChangeOptions {
  /** Creates a child of an entity that the changeset made before: `{ owner: Batch.reference("product"), collection: "Prices" }`. */
  readonly within?: { readonly owner: Reference; readonly collection: string } | undefined
}

/**
 * An earlier operation of the same changeset, as the target of a change.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reference = (name: string): Reference => ({ _tag: "Reference", name })

/** That an answer is about the entity that was asked for, as far as it says. */
const isAbout = (entitySet: string, text: string, url: string): Either.Either<void, ResponseInvalid> =>
  Either.flatMap(parse(entitySet, text, false), (body) => {
    const named = Predicate.hasProperty(body, "@odata.id") ? body["@odata.id"] : undefined
    const id = typeof named === "string" ? ComplexType.parseEntityId(named) : Option.none()
    return Option.isNone(id) || url.includes(`(${id.value.id.toLowerCase()})`)
      ? Either.void
      : Either.left(new ResponseInvalid({ entitySet, path: "@odata.id", reason: "the answer is about another entity" }))
  })

/**
 * Reads one entity by its id, as `DomainApi.get` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const get = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: string | ComplexType.EntityId,
  query: Pick<Query.Query<NoInfer<A>, NoInfer<I>>, "options" | "context"> = {}
): Read<A> => {
  const path = entityPath(set.name, id)
  return {
    _tag: "Read",
    entitySet: set.name,
    url: Either.zipWith(path, Query.renderEntity(set, query), withQuery),
    decode: ({ text }) =>
      Either.flatMap(
        isAbout(
          set.name,
          text,
          Either.getOrElse(path, () => "")
        ),
        () => decodeEntity(set, text, skipsNulls(query))
      )
  }
}

/**
 * Reads one page of rows, as `DomainApi.list` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const list = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  query: Omit<Query.Query<NoInfer<A>, NoInfer<I>>, "headers"> = {}
): Read<ReadonlyArray<A>> => ({
  _tag: "Read",
  entitySet: set.name,
  url: Either.map(Query.render(set, query, { defaultTop }), (text) => withQuery(set.name, text)),
  decode: (answer) => Either.map(decodePage(set, answer, skipsNulls(query)), ({ rows }) => rows)
})

/**
 * Changes that are executed all or not at all. The names of the operations are chosen by the caller; a name that is a
 * number is refused, because JavaScript would change the order.
 *
 * @category constructors
 * @since 0.1.0
 */
export const changeset = <const Operations extends Readonly<Record<string, Change<unknown>>>>(
  operations: Operations
): Changeset<Operations> => ({ _tag: "Changeset", operations })

const referencePath = ({ name }: Reference, contentIdOf: ContentIds): Either.Either<string, InvalidQuery> =>
  Either.map(
    Either.fromOption(
      contentIdOf(name),
      () => new InvalidQuery({ option: "reference", reason: "it must name an earlier operation of the same changeset" })
    ),
    (contentId) => `$${contentId}`
  )

const isReference = (target: string | ComplexType.EntityId | Reference): target is Reference =>
  Predicate.isTagged(target, "Reference")

const targetPath = (
  entitySet: string,
  target: string | ComplexType.EntityId | Reference,
  contentIdOf: ContentIds
): Either.Either<string, InvalidQuery> =>
  isReference(target) ? referencePath(target, contentIdOf) : entityPath(entitySet, target)

const nothing = (): Either.Either<void> => Either.void

/**
 * Creates an entity and gives its id, as `DomainApi.create` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const create = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  value: EntityInput.EntityInput<NoInfer<A>>,
  options: CreateOptions = {}
): Change<ComplexType.EntityId> => ({
  _tag: "Change",
  entitySet: set.name,
  request: (contentIdOf) =>
    Either.gen(function* () {
      const { within } = options
      if (within !== undefined && !isIdentifier(within.collection)) {
        return yield* Either.left(new InvalidQuery({ option: "collection", reason: "it must be a single name" }))
      }
      const path =
        within === undefined ? set.name : `${yield* referencePath(within.owner, contentIdOf)}/${within.collection}`
      const url = withQuery(path, yield* Query.renderContext(options.context))
      return { method: "POST" as const, url, body: yield* EntityInput.encode(set, value) }
    }),
  decode: (answer) => createdId(set.name, answer)
})

/** The URL of a change to an entity, or to what an earlier operation made. */
const targetUrl = (
  entitySet: string,
  target: string | ComplexType.EntityId | Reference,
  options: ChangeOptions,
  contentIdOf: ContentIds
): Either.Either<string, InvalidQuery> =>
  Either.zipWith(targetPath(entitySet, target, contentIdOf), Query.renderContext(options.context), withQuery)

/**
 * Changes some fields of an entity, as `DomainApi.update` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const update = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  target: string | ComplexType.EntityId | Reference,
  patch: EntityInput.EntityInput<NoInfer<A>>,
  options: ChangeOptions = {}
): Change<void> => ({
  _tag: "Change",
  entitySet: set.name,
  request: (contentIdOf) =>
    Either.gen(function* () {
      const url = yield* targetUrl(set.name, target, options, contentIdOf)
      return { method: "PATCH" as const, url, body: yield* EntityInput.encode(set, patch) }
    }),
  decode: nothing
})

/**
 * Deletes an entity, as `DomainApi.remove` does.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remove = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  target: string | ComplexType.EntityId | Reference,
  options: ChangeOptions = {}
): Change<void> => ({
  _tag: "Change",
  entitySet: set.name,
  request: (contentIdOf) =>
    Either.gen(function* () {
      const url = yield* targetUrl(set.name, target, options, contentIdOf)
      return { method: "DELETE" as const, url, body: undefined }
    }),
  decode: nothing
})
