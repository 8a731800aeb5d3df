/**
 * The identity of an entity: the entity set and the id, as `@odata.id` holds them.
 *
 * ```ts
 * import { EntityId } from "effect-erpnet"
 * import { Option } from "effect"
 *
 * const customer = EntityId.make("Crm_Customers", "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4")
 *
 * export const text = Option.map(customer, EntityId.format) // Crm_Customers(0e8fb111-5b04-4eab-a890-47cfb9cfa4c4)
 * ```
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { guidSource, isGuid } from "./internal/guid.ts"
import { identifierSource, isIdentifier } from "./internal/identifier.ts"
import { lazySchema } from "./internal/lazySchema.ts"

/**
 * The type id of {@link EntityId}.
 *
 * @category type IDs
 * @since 0.2.0
 */
export const TypeId: unique symbol = Symbol.for("~effect-erpnet/EntityId")

/**
 * The identity of an entity: the value of `@odata.id`. Two with the same set and id are equal.
 *
 * @category models
 * @since 0.2.0
 */
export interface EntityId {
  readonly [TypeId]: typeof TypeId
  readonly entitySet: string
  /** A lower-case guid. */
  readonly id: string
}

/**
 * How the functions that read or change one entity take its id: a guid, or an {@link EntityId} as rows hold them.
 *
 * @category models
 * @since 0.2.0
 */
export type Input = string | EntityId

class EntityIdValue extends Data.Class<{ readonly entitySet: string; readonly id: string }> implements EntityId {
  get [TypeId](): typeof TypeId {
    return TypeId
  }
  override toString(): string {
    return format(this)
  }
  toJSON(): string {
    return format(this)
  }
}

const pattern = new RegExp(`^(?:https?://[^?#\\s]*/|/[^?#\\s]*/|/)?(${identifierSource})\\((${guidSource})\\)$`, "iu")

/**
 * Whether a value is an {@link EntityId}.
 *
 * @category guards
 * @since 0.2.0
 */
export const is = (value: unknown): value is EntityId => Predicate.hasProperty(value, TypeId)

/**
 * Makes an {@link EntityId} from the name of an entity set and a guid; none when either is malformed.
 *
 * @category constructors
 * @since 0.2.0
 */
export const make = (entitySet: string, id: string): Option.Option<EntityId> =>
  isIdentifier(entitySet) && isGuid(id)
    ? Option.some(new EntityIdValue({ entitySet, id: id.toLowerCase() }))
    : Option.none()

/**
 * Reads `Set(guid)`; an absolute URL that ends so is accepted too.
 *
 * @category constructors
 * @since 0.2.0
 */
export const parse = (text: string): Option.Option<EntityId> => {
  const [, entitySet, id] = pattern.exec(text) ?? []
  return entitySet === undefined || id === undefined ? Option.none() : make(entitySet, id)
}

/**
 * Writes `Set(guid)`.
 *
 * @category combinators
 * @since 0.2.0
 */
export const format = (id: EntityId): string => `${id.entitySet}(${id.id})`

/**
 * The Schema of an {@link EntityId} that is one already, not a text.
 *
 * @category schemas
 * @since 0.2.0
 */
export const FromSelf: Schema.Schema<EntityId> = lazySchema(() => Schema.declare(is, { identifier: "EntityId" }))

const fromString: Schema.Schema<EntityId, string> = lazySchema(() =>
  Schema.transformOrFail(Schema.String, FromSelf, {
    strict: true,
    decode: (text, _, ast) =>
      Either.fromOption(parse(text), () => new ParseResult.Type(ast, text, "Expected an id like Set(guid)")),
    encode: (id) => ParseResult.succeed(format(id))
  }).annotations({ identifier: "EntityIdFromString" })
)

export {
  /**
   * `@odata.id`, relative as ERP.net writes it or absolute, as a typed {@link EntityId}. Use it as the field
   * `"@odata.id"` of a row: the server always sends it and it is not part of `$select`.
   *
   * @category schemas
   * @since 0.2.0
   */
  fromString as Schema
}
