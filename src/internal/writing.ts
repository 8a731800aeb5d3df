import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as ComplexType from "../ComplexType.ts"
import { type Answer, DomainApi, type DomainApiError, type WriteError } from "../DomainApi/calls.ts"
import * as EntityInput from "../EntityInput.ts"
import type * as EntitySet from "../EntitySet.ts"
import { InvalidValue, ResponseInvalid } from "../ErpNetError.ts"
import type { Operation } from "../Operation.ts"
import * as Query from "../Query.ts"
import * as LosslessJson from "./losslessJson.ts"
import { describe, formatPath } from "./parseFault.ts"
import { entityPath, invalid, parse, spanned, withQuery } from "./reading.ts"
import { prepare, shapeOf } from "./rowShape.ts"
import { withSpan } from "./tracing.ts"
import { quote } from "./uri.ts"

/**
 * What may be said with a change.
 *
 * @category options
 * @since 0.1.0
 */
export interface WriteOptions {
  /** Extra request headers; `Authorization` is always the library's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The point of view of the request. */
  readonly context?: Query.QueryContext | undefined
}

const json = (value: unknown) => ({
  text: LosslessJson.stringify(value) ?? "null",
  contentType: "application/json"
})

const urlOf = (path: string, options: WriteOptions) =>
  Either.map(Query.renderContext(options.context), (query) => withQuery(path, query))

/** The id in the answer to a POST: in its body, or in the header `Location`. */
export const createdId = (entitySet: string, answer: Answer): Either.Either<ComplexType.EntityId, ResponseInvalid> => {
  const body = answer.text === "" ? undefined : Either.getOrUndefined(parse(entitySet, answer.text, false))
  const named = Predicate.hasProperty(body, "@odata.id") ? body["@odata.id"] : answer.headers["location"]
  return Either.fromOption(
    typeof named === "string" ? ComplexType.parseEntityId(named) : Option.none(),
    () =>
      new ResponseInvalid({
        entitySet,
        path: "@odata.id",
        reason: "the answer names no id, though it says that the entity was created"
      })
  )
}

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
  options: WriteOptions = {}
): Effect.Effect<ComplexType.EntityId, WriteError, DomainApi> =>
  spanned(
    "create",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const body = json(yield* EntityInput.encode(set, value))
      const url = yield* urlOf(set.name, options)
      return yield* createdId(set.name, yield* api.write({ method: "POST", url, headers: options.headers, body }))
    })
  )

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
  options: WriteOptions = {}
): Effect.Effect<ComplexType.EntityId, WriteError, DomainApi> =>
  spanned(
    "merge",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const { "@odata.type": type, ...fields } = yield* EntityInput.encode(set, {
        ...value,
        "@erpnet.action": undefined,
        "@erpnet.findBy": undefined
      })
      const annotations = { "@odata.type": type, "@erpnet.action": "merge", "@erpnet.findBy": key }
      const body = json({ ...annotations, ...key, ...fields })
      const url = yield* urlOf(set.name, options)
      return yield* createdId(set.name, yield* api.write({ method: "POST", url, headers: options.headers, body }))
    })
  )

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
  id: string | ComplexType.EntityId,
  patch: EntityInput.EntityInput<NoInfer<A>>,
  options: WriteOptions = {}
): Effect.Effect<void, WriteError, DomainApi> =>
  spanned(
    "update",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const body = json(yield* EntityInput.encode(set, patch))
      const url = yield* urlOf(yield* entityPath(set.name, id), options)
      yield* api.write({ method: "PATCH", url, headers: options.headers, body })
    })
  )

/**
 * Deletes an entity.
 *
 * @category combinators
 * @since 0.1.0
 */
export const remove = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: string | ComplexType.EntityId,
  options: WriteOptions = {}
): Effect.Effect<void, WriteError, DomainApi> =>
  spanned(
    "remove",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const url = yield* urlOf(yield* entityPath(set.name, id), options)
      yield* api.write({ method: "DELETE", url, headers: options.headers })
    })
  )

const Texts = Schema.NullOr(ComplexType.MultilanguageString)

/**
 * Changes some languages of a multilanguage field and keeps the others. ERP.net replaces such a field as a whole, so
 * it is read first; between reading and writing somebody else's change to the same field can get lost.
 *
 * @category combinators
 * @since 0.1.0
 */
export const updateTexts = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  id: string | ComplexType.EntityId,
  field: keyof A & string,
  texts: ComplexType.MultilanguageString,
  options: WriteOptions = {}
): Effect.Effect<void, WriteError, DomainApi> =>
  spanned(
    "updateTexts",
    set.name,
    Effect.gen(function* () {
      const api = yield* DomainApi
      const path = yield* entityPath(set.name, id)
      // In upper case, as they are read: otherwise the old text of a language would win over the new one.
      const changed = yield* Either.mapLeft(Schema.encodeEither(ComplexType.MultilanguageString)(texts), (error) =>
        invalidInput(set.name, error.issue, [field])
      )
      const url = yield* urlOf(path, options)
      const answer = yield* api.read(`${url}${url === path ? "?" : "&"}$select=${field}`, options.headers)
      const row = yield* parse(set.name, answer.text, false)
      const decoded = Schema.decodeUnknownEither(Schema.Struct({ [field]: Texts }))(row)
      const held = yield* Either.mapLeft(decoded, (error) => invalid(set.name, error, []))
      yield* api.write({
        method: "PATCH",
        url,
        headers: options.headers,
        body: json({ [field]: { ...held[field], ...changed } })
      })
    })
  )

const invalidInput = (
  name: string,
  issue: Parameters<typeof describe>[0],
  above: ReadonlyArray<PropertyKey> = []
): InvalidValue => {
  const fault = describe(issue)
  return new InvalidValue({ entitySet: name, path: formatPath([...above, ...fault.path]), reason: fault.reason })
}

/** A parameter of a function in the URL. */
const argument = (value: unknown): string =>
  typeof value === "string" ? encodeURIComponent(quote(value)).replaceAll("'", "%27") : String(value)

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
  options: WriteOptions & { readonly on?: ComplexType.EntityId | undefined } = {}
): Effect.Effect<Output, WriteError, DomainApi> =>
  withSpan(
    "DomainApi.call",
    () => ({ "erpnet.operation": operation.name }),
    () =>
      Effect.gen(function* () {
        const api = yield* DomainApi
        const encoded: unknown = yield* Either.mapLeft(Schema.encodeEither(operation.input)(input), (error) =>
          invalidInput(operation.name, error.issue)
        )
        const owner = options.on === undefined ? "" : `${ComplexType.formatEntityId(options.on)}/`
        const target = `${owner}${operation.name}`
        const answer =
          operation.kind === "action"
            ? yield* api.write({
                method: "POST",
                url: yield* urlOf(target, options),
                headers: options.headers,
                body: json(encoded)
              })
            : yield* readFunction(api, target, encoded, options)
        return yield* decodeOutput(operation, answer)
      })
  )

const readFunction = (
  api: DomainApi["Type"],
  target: string,
  parameters: unknown,
  options: WriteOptions
): Effect.Effect<Answer, DomainApiError> =>
  Effect.gen(function* () {
    const given = Predicate.isRecord(parameters)
      ? Object.entries(parameters).filter(([, value]) => value !== undefined)
      : []
    const list = given.map(([name, value]) => `${name}=${argument(value)}`).join(",")
    // ERP.net documents functions without parameters without parentheses.
    const url = yield* urlOf(list === "" ? target : `${target}(${list})`, options)
    return yield* api.read(url, options.headers)
  })

const decodeOutput = <Input, InputEncoded, Output, OutputEncoded>(
  operation: Operation<Input, InputEncoded, Output, OutputEncoded>,
  answer: Answer
): Either.Either<Output, ResponseInvalid> => {
  const decode = Schema.decodeUnknownEither(operation.output)
  const failed = Either.mapLeft((error: Parameters<typeof invalid>[1]) => invalid(operation.name, error, []))
  if (operation.output.ast._tag === "VoidKeyword") return failed(decode(undefined))
  const shape = shapeOf(operation.output)
  return Either.flatMap(parse(operation.name, answer.text, shape.holdsLossless), (body) =>
    failed(decode(prepare(shape, Predicate.hasProperty(body, "value") ? body.value : body, false)))
  )
}
