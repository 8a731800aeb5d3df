import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { JsonNumber } from "./losslessJson.ts"

/** Marks a schema that wants a number with every digit. */
export const LosslessId: unique symbol = Symbol.for("effect-erpnet/annotation/Lossless")
/** Marks an Amount or a Quantity: ERP.net filters it as `<Name>Value`. */
export const AmountId: unique symbol = Symbol.for("effect-erpnet/annotation/Amount")
/** Marks a text that OData writes without quotes, and doubles; the value is a {@link LiteralKind}. */
export const LiteralId: unique symbol = Symbol.for("effect-erpnet/annotation/Literal")

/** How the values of a field are written in a filter, where their JavaScript type does not tell. */
export type LiteralKind = "guid" | "date" | "timeOfDay" | "double"

const literalKinds: ReadonlyArray<LiteralKind> = ["guid", "date", "timeOfDay", "double"]

/** Marks a reference or a child collection that is read by `$expand`; the value is its {@link Projection}. */
export const ExpandId: unique symbol = Symbol.for("effect-erpnet/annotation/Expand")

/** The projection of a request: the names in `$select` (none: the server's default) and the items of `$expand`. */
export interface Projection {
  readonly select: ReadonlyArray<string> | undefined
  readonly expand: ReadonlyArray<string>
}

/** The wire side of a row schema, collected in one walk over it. */
export interface Shape {
  readonly lossless: boolean
  readonly holdsLossless: boolean
  readonly literal: LiteralKind | undefined
  readonly amount: boolean
  readonly nullable: boolean
  readonly optional: boolean
  /** A recursive schema is not walked again; values below are left as they are. */
  readonly opaque: boolean
  readonly expand: Projection | undefined
  readonly fields: ReadonlyMap<string, Shape>
  /** Items of an array, values of a record. */
  readonly rest: Shape | undefined
}

/** A {@link Shape} while it is made. */
export interface MutableShape extends Shape {
  lossless: boolean
  holdsLossless: boolean
  literal: LiteralKind | undefined
  amount: boolean
  nullable: boolean
  optional: boolean
  opaque: boolean
  expand: Projection | undefined
  fields: Map<string, MutableShape>
  rest: MutableShape | undefined
}

/** The shape of a field of which nothing is known. */
export const emptyShape = (): MutableShape => ({
  lossless: false,
  holdsLossless: false,
  literal: undefined,
  amount: false,
  nullable: false,
  optional: false,
  opaque: false,
  expand: undefined,
  fields: new Map(),
  rest: undefined
})

const isProjection = (value: unknown): value is Projection =>
  typeof value === "object" && value !== null && "select" in value && "expand" in value

// Schema.UUID says so, and so may a schema of the user.
const isGuid = (ast: SchemaAST.Annotated): boolean =>
  Option.exists(
    SchemaAST.getJSONSchemaAnnotation(ast),
    (jsonSchema) => "format" in jsonSchema && jsonSchema.format === "uuid"
  )

const collect = (ast: SchemaAST.AST, into: MutableShape, above: ReadonlySet<SchemaAST.AST>): void => {
  if (ast.annotations[LosslessId] === true) {
    into.lossless = true
    into.holdsLossless = true
  }
  if (ast.annotations[AmountId] === true) {
    into.amount = true
  }
  into.literal ??= literalKinds.find((kind) => kind === ast.annotations[LiteralId])
  const projection = ast.annotations[ExpandId]
  if (isProjection(projection)) {
    into.expand = projection
  }
  switch (ast._tag) {
    case "Literal":
      into.nullable = into.nullable || ast.literal === null
      return
    case "UndefinedKeyword":
      into.optional = true
      return
    case "Refinement":
      into.literal ??= isGuid(ast) ? "guid" : undefined
      collect(ast.from, into, above)
      return
    case "Transformation":
      collect(ast.from, into, above)
      return
    case "Suspend":
      if (above.has(ast)) {
        into.opaque = true
        return
      }
      collect(ast.f(), into, new Set(above).add(ast))
      return
    case "Union":
      for (const member of ast.types) {
        collect(member, into, above)
      }
      return
    case "TypeLiteral":
      for (const property of ast.propertySignatures) {
        const name = String(property.name)
        const field = into.fields.get(name) ?? emptyShape()
        collect(property.type, field, above)
        field.optional = field.optional || property.isOptional
        into.fields.set(name, field)
        into.holdsLossless = into.holdsLossless || field.holdsLossless
      }
      for (const signature of ast.indexSignatures) {
        collectRest(signature.type, into, above)
      }
      return
    case "TupleType":
      for (const item of [...ast.elements, ...ast.rest]) {
        collectRest(item.type, into, above)
      }
      return
  }
}

const collectRest = (ast: SchemaAST.AST, into: MutableShape, above: ReadonlySet<SchemaAST.AST>): void => {
  into.rest = into.rest ?? emptyShape()
  collect(ast, into.rest, above)
  into.holdsLossless = into.holdsLossless || into.rest.holdsLossless
}

const shapes = new WeakMap<SchemaAST.AST, Shape>()

/** The shape of a schema's encoded side, computed once per schema. */
export const shapeOf = (schema: Schema.Schema.All): Shape => {
  const known = shapes.get(schema.ast)
  if (known !== undefined) {
    return known
  }
  const shape = emptyShape()
  collect(schema.ast, shape, new Set())
  shapes.set(schema.ast, shape)
  return shape
}

/** Whether the encoded side is one object with known field names: the only kind `$select` can be read from. */
export const isRow = (ast: SchemaAST.AST): boolean => {
  switch (ast._tag) {
    case "Refinement":
    case "Transformation":
      return isRow(ast.from)
    case "Suspend":
      return isRow(ast.f())
    case "TypeLiteral":
      return ast.indexSignatures.length === 0
    default:
      return false
  }
}

const control = "@"

/** The `$select` names and `$expand` items that bring back every field of the shape; annotations are always sent. */
export const project = (
  shape: Shape
): { readonly select: ReadonlyArray<string>; readonly expand: ReadonlyArray<string> } => {
  const names = [...shape.fields].filter(([name]) => !name.includes(control))
  const select = names.filter(([, field]) => field.expand === undefined).map(([name]) => name)
  return {
    // An empty $select would mean "everything"; the key is the smallest selection.
    select: select.length === 0 ? ["Id"] : select,
    expand: names.flatMap(([name, field]) => (field.expand === undefined ? [] : [expandItem(name, field.expand)]))
  }
}

const expandItem = (name: string, projection: Projection): string => {
  const options = projectionOptions(projection)
  return options.length === 0 ? name : `${name}(${options.join(";")})`
}

/** A projection as query options, `$select=...` and `$expand=...`. */
export const projectionOptions = ({ expand, select }: Projection): ReadonlyArray<string> => [
  ...(select === undefined ? [] : [`$select=${select.join(",")}`]),
  ...(expand.length === 0 ? [] : [`$expand=${expand.join(",")}`])
]

const unknownShape: Shape = emptyShape()

/**
 * Makes a parsed value fit its schema: exact numbers stay only where the schema wants them (elsewhere they become
 * plain numbers), and with `skipNulls` the nulls that the server left out come back. The input is not changed.
 */
export const prepare = (shape: Shape, value: unknown, skipNulls: boolean): unknown => {
  if (typeof value !== "object" || value === null || shape.opaque) {
    return value
  }
  if (value instanceof JsonNumber) {
    return shape.lossless ? value : value.toNumber()
  }
  if (Array.isArray(value)) {
    const items = shape.rest ?? unknownShape
    return value.map((item) => prepare(items, item, skipNulls))
  }
  let changed: Record<string, unknown> | undefined
  for (const [name, member] of Object.entries(value)) {
    const prepared = prepare(shape.fields.get(name) ?? shape.rest ?? unknownShape, member, skipNulls)
    if (prepared !== member && name !== "__proto__") {
      changed ??= { ...value }
      changed[name] = prepared
    }
  }
  if (skipNulls) {
    for (const [name, field] of shape.fields) {
      if (field.nullable && !field.optional && !Object.hasOwn(value, name)) {
        changed ??= { ...value }
        changed[name] = null
      }
    }
  }
  return changed ?? value
}
