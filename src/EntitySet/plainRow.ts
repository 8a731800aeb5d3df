import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** What a reader gives where a value does not fit. */
const unfit: unique symbol = Symbol("unfit")

/** Gives what the Schema decodes a value to, or `unfit`. */
type Reader = (value: unknown) => unknown

const scalar =
  (fits: (value: unknown) => boolean): Reader =>
  (value) =>
    fits(value) ? value : unfit

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** The Schema itself, for the places that are not plain. */
const general = (ast: SchemaAST.AST): Reader => {
  const decode = Schema.decodeUnknownEither(Schema.make<unknown, unknown>(ast))
  return (value) => Either.getOrElse(decode(value), () => unfit)
}

const refinement = (ast: SchemaAST.Refinement, from: Reader): Reader => {
  const { filter } = ast
  return (value) => {
    const read = from(value)
    return read === unfit || Option.isSome(filter(read, SchemaAST.defaultParseOption, ast)) ? unfit : read
  }
}

/** A name that every object inherits would be found where the row has none. */
const isOwnName = (name: PropertyKey): name is string => typeof name === "string" && !(name in Object.prototype)

const struct = (ast: SchemaAST.TypeLiteral): Reader | undefined => {
  const properties = ast.propertySignatures.flatMap(({ isOptional, name, type }) =>
    isOwnName(name) ? [{ isOptional, name, read: readerOf(type) }] : []
  )
  const isKnown = properties.length === ast.propertySignatures.length && ast.indexSignatures.length === 0
  if (!isKnown || properties.length === 0) return undefined
  // A copy of an object with all its fields is made in one piece; one that gets them one by one grows several times.
  const template: Readonly<Record<string, unknown>> = properties.some(({ isOptional }) => isOptional)
    ? {}
    : Object.fromEntries(properties.map(({ name }) => [name, undefined]))
  return (value) => {
    if (!isPlainObject(value)) return unfit
    const row: Record<string, unknown> = { ...template }
    for (const { isOptional, name, read } of properties) {
      const member = value[name]
      if (member === undefined && !Object.hasOwn(value, name)) {
        if (isOptional) continue
        return unfit
      }
      const own = read(member)
      if (own === unfit) return unfit
      row[name] = own
    }
    return row
  }
}

const array = (ast: SchemaAST.TupleType): Reader | undefined => {
  const [rest] = ast.rest
  if (rest === undefined || ast.rest.length > 1 || ast.elements.length > 0) return undefined
  const read = readerOf(rest.type)
  return (value) => {
    if (!Array.isArray(value)) return unfit
    const items: Array<unknown> = []
    for (const item of value) {
      const own = read(item)
      if (own === unfit) return unfit
      items.push(own)
    }
    return items
  }
}

/** True where the reader of the type gives out only what it was given, and takes no object. */
const isScalar = (ast: SchemaAST.AST): boolean => {
  switch (ast._tag) {
    case "Literal":
    case "StringKeyword":
    case "NumberKeyword":
    case "BooleanKeyword":
    case "UndefinedKeyword":
      return !isAnnotated(ast)
    case "Refinement":
      return !isAnnotated(ast) && isScalar(ast.from)
    case "Union":
      return !isAnnotated(ast) && ast.types.every(isScalar)
    default:
      return false
  }
}

/** A union in which at most one member takes objects, so that it makes no difference which one is asked first. */
const union = (ast: SchemaAST.Union): Reader | undefined => {
  const others = ast.types.filter((type) => !isScalar(type))
  const readers = ast.types.map(readerOf)
  if (others.length > 1 || !others.every((type) => type._tag === "TypeLiteral" || type._tag === "TupleType")) {
    return undefined
  }
  return (value) => {
    for (const read of readers) {
      const own = read(value)
      if (own !== unfit) return own
    }
    return unfit
  }
}

/** Options and fallbacks in a Schema are for the Schema to apply. */
const isAnnotated = (ast: SchemaAST.AST): boolean =>
  SchemaAST.ParseOptionsAnnotationId in ast.annotations || SchemaAST.DecodingFallbackAnnotationId in ast.annotations

const plain = (ast: SchemaAST.AST): Reader | undefined => {
  if (isAnnotated(ast)) return undefined
  switch (ast._tag) {
    case "StringKeyword":
      return scalar((value) => typeof value === "string")
    case "NumberKeyword":
      return scalar((value) => typeof value === "number")
    case "BooleanKeyword":
      return scalar((value) => typeof value === "boolean")
    case "UndefinedKeyword":
      return scalar((value) => value === undefined)
    case "Literal":
      return scalar((value) => value === ast.literal)
    case "UnknownKeyword":
      return (value) => value
    case "Refinement":
      return refinement(ast, readerOf(ast.from))
    case "Union":
      return union(ast)
    case "TypeLiteral":
      return struct(ast)
    case "TupleType":
      return array(ast)
    default:
      return undefined
  }
}

const readerOf = (ast: SchemaAST.AST): Reader => plain(ast) ?? general(ast)

/**
 * Reads values as the Schema decodes them, in less than half of its time where the Schema is plain: structs and arrays
 * of texts, numbers, booleans, literals and refinements of these, as most rows are. Other fields go through the Schema.
 * Where it gives nothing, the Schema has to say what it thinks of the value.
 */
export const reader = <A, I>(schema: Schema.Schema<A, I>): ((value: unknown) => Option.Option<A>) => {
  const read = plain(schema.ast)
  if (read === undefined) return () => Option.none()
  return (value) => {
    const own = read(value)
    // The readers follow the Schema, which the compiler cannot see.
    return own === unfit ? Option.none() : Option.some(own as A)
  }
}
