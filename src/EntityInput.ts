/**
 * What is written to an entity: a row type turned into values to send, with ERP.net's annotations.
 *
 * @example
 * ```ts
 * import { ComplexType, EntityInput, EntitySet } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const Orders = EntitySet.make("Crm_Sales_SalesOrders", Schema.Struct({
 *   DocumentNo: Schema.String,
 *   Customer: ComplexType.Reference,
 *   Lines: EntitySet.children(Schema.Struct({
 *     Product: ComplexType.Reference,
 *     Quantity: ComplexType.QuantityNumber
 *   }))
 * }))
 *
 * // Every field may be left out: the server has defaults. The order of the fields is kept.
 * export type OrderInput = EntityInput.EntityInput<EntitySet.Type<typeof Orders>>
 * ```
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as EntityId from "./EntityId.ts"
import type * as EntitySet from "./EntitySet.ts"
import { InvalidValue } from "./ErpNetError.ts"
import { describe, formatPath } from "./internal/parseFault.ts"
import { ExpandId } from "./internal/rowShape.ts"

/**
 * What ERP.net does with an object that it is sent. Without it a top-level POST creates, a top-level PATCH updates, and
 * a nested object is found where it holds search properties only, else merged.
 *
 * @category models
 * @since 0.1.0
 */
export type Action =
  | "create"
  | "update"
  | "delete"
  | "find"
  | "findOrNull"
  | "findOrCreate"
  | "findSingle"
  | "findSingleOrNull"
  | "merge"

/**
 * By which attributes the object is looked up. ERP.net uses the first that is given, in this order; give one.
 *
 * @category models
 * @since 0.1.0
 */
export interface FindBy {
  readonly ExternalId?: string | undefined
  readonly ExternalSystem?: string | undefined
  readonly Id?: string | undefined
  readonly Code?: string | undefined
  readonly Name?: string | undefined
  readonly DisplayText?: string | undefined
}

/**
 * The annotations of an object that is sent. They go before its values.
 *
 * @category models
 * @since 0.1.0
 */
export interface Annotations {
  /** The concrete type of an object in a polymorphic set, such as `Erp.General_Contacts_Company`. */
  readonly "@odata.type"?: string | undefined
  /** What to do with the object. */
  readonly "@erpnet.action"?: Action | undefined
  /** How to look it up. */
  readonly "@erpnet.findBy"?: FindBy | undefined
}

type Scalar = string | number | bigint | boolean | symbol | null | undefined
type Whole = EntityId.EntityId | BigDecimal.BigDecimal | DateTime.DateTime | Date | { readonly Value: unknown }

/**
 * What may be sent for a field whose rows hold `T`: an expanded reference takes an object or an `EntityId` (a link),
 * children take a list of objects, everything else takes what the rows hold.
 *
 * @category models
 * @since 0.1.0
 */
export type FieldInput<T> = T extends Scalar | Whole
  ? T
  : T extends ReadonlyArray<infer Row>
    ? Row extends object
      ? ReadonlyArray<EntityInput<Row>>
      : T
    : T extends object
      ? string extends keyof T
        ? T
        : EntityInput<T> | EntityId.EntityId
      : T

/**
 * An object to send, for rows of type `A`. Every field may be left out, and `Name@odata.bind` is an alternative to the
 * reference `Name`.
 *
 * @category models
 * @since 0.1.0
 */
export type EntityInput<A> = Annotations & {
  readonly [Name in keyof A as Name extends `@${string}` ? never : Name]?: FieldInput<A[Name]> | undefined
} & { readonly [Name in keyof A & string as `${Name}@odata.bind`]?: EntityId.EntityId | undefined }

type Encoded = Either.Either<unknown, InvalidValue>
type EncodedObject = Either.Either<Readonly<Record<string, unknown>>, InvalidValue>

const refuse = (
  entitySet: string,
  path: ReadonlyArray<PropertyKey>,
  reason: string
): Either.Either<never, InvalidValue> => Either.left(new InvalidValue({ entitySet, path: formatPath(path), reason }))

/** The struct that a row schema encodes to, where its fields keep their names. */
const structOf = (ast: SchemaAST.AST): SchemaAST.TypeLiteral | undefined => {
  switch (ast._tag) {
    case "TypeLiteral":
      return ast
    case "Refinement":
      return structOf(ast.from)
    case "Transformation":
      // A class keeps the names of its struct; a struct with renamed fields is two structs.
      return ast.to._tag === "TypeLiteral" ? undefined : structOf(ast.from)
    case "Suspend":
      return structOf(ast.f())
    case "Union": {
      const [only, ...others] = ast.types.filter((type) => type._tag !== "Literal" && type._tag !== "UndefinedKeyword")
      return only === undefined || others.length > 0 ? undefined : structOf(only)
    }
    default:
      return undefined
  }
}

/** The expanded schema inside a field: itself, or the other member of a union with null or undefined. */
const expanded = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  if (ast.annotations[ExpandId] !== undefined) return ast
  return ast._tag === "Union" ? ast.types.map(expanded).find(Predicate.isNotUndefined) : undefined
}

const itemOf = (ast: SchemaAST.AST): SchemaAST.AST | undefined =>
  ast._tag === "TupleType" ? ast.rest[0]?.type : undefined

const link = (id: EntityId.EntityId) => ({ "@odata.id": EntityId.format(id) })

const encodeField = (
  entitySet: string,
  path: ReadonlyArray<PropertyKey>,
  ast: SchemaAST.AST,
  value: unknown
): Encoded => {
  const target = expanded(ast)
  if (target !== undefined && value !== null) {
    if (EntityId.is(value)) return Either.right(link(value))
    const item = itemOf(target)
    if (item !== undefined) {
      return Array.isArray(value)
        ? Either.all(value.map((row, index) => encodeObject(entitySet, [...path, index], item, row)))
        : refuse(entitySet, path, "expected an array")
    }
    return encodeObject(entitySet, path, target, value)
  }
  return Either.mapLeft(Schema.encodeUnknownEither(Schema.make<unknown, unknown, never>(ast))(value), (error) => {
    const fault = describe(error.issue)
    return new InvalidValue({ entitySet, path: formatPath([...path, ...fault.path]), reason: fault.reason })
  })
}

const annotationNames: ReadonlyArray<keyof Annotations> = ["@odata.type", "@erpnet.action", "@erpnet.findBy"]

const bindSuffix = "@odata.bind"

/** A property of an object as it is sent: its name and value; nothing where it is left out. */
const encodeProperty = (
  entitySet: string,
  path: ReadonlyArray<PropertyKey>,
  struct: SchemaAST.TypeLiteral,
  name: string,
  value: unknown
): Either.Either<Option.Option<readonly [string, unknown]>, InvalidValue> => {
  if (value === undefined || name.startsWith("@")) return Either.right(Option.none())
  if (name.endsWith(bindSuffix)) {
    return EntityId.is(value)
      ? Either.right(Option.some([name, EntityId.format(value)]))
      : refuse(entitySet, [...path, name], "expected an EntityId")
  }
  const property = struct.propertySignatures.find((candidate) => candidate.name === name)
  if (property === undefined) return refuse(entitySet, [...path, name], "the Schema has no such field")
  return Either.map(encodeField(entitySet, [...path, name], property.type, value), (encoded) =>
    encoded === undefined ? Option.none() : Option.some([name, encoded])
  )
}

const encodeObject = (
  entitySet: string,
  path: ReadonlyArray<PropertyKey>,
  ast: SchemaAST.AST,
  value: unknown
): EncodedObject => {
  const struct = structOf(ast)
  if (struct === undefined) {
    return refuse(
      entitySet,
      path,
      "the Schema is not a Struct or Class whose fields keep their names, so it cannot be written"
    )
  }
  if (!Predicate.isReadonlyRecord(value)) return refuse(entitySet, path, "expected an object")
  const annotations = annotationNames.flatMap((name) =>
    value[name] === undefined ? [] : [[name, value[name]] as const]
  )
  return Either.map(
    Either.all(Object.entries(value).map(([name, field]) => encodeProperty(entitySet, path, struct, name, field))),
    (properties) => Object.fromEntries([...annotations, ...properties.flatMap(Option.toArray)])
  )
}

/**
 * The JSON value to send for an object: annotations first, then the fields in the order in which they are given,
 * because ERP.net applies them in that order. Fails with `InvalidValue` where a value does not fit the Schema.
 *
 * @category combinators
 * @since 0.1.0
 */
export const encode = <A, I>(
  set: EntitySet.EntitySet<A, I>,
  value: EntityInput<A>
): Either.Either<Readonly<Record<string, unknown>>, InvalidValue> => encodeObject(set.name, [], set.schema.ast, value)
