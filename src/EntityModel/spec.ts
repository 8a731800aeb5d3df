import * as Schema from "effect/Schema"
import * as ComplexType from "../ComplexType.ts"
import * as IncrementalPull from "../IncrementalPull.ts"
import { isIdentifier } from "../internal/identifier.ts"
import { emptyShape, type Shape } from "../internal/rowShape.ts"

/** A field as its text describes it: `text(16)? eq like order`. */
export interface Spec {
  /** The kind: `text`, or `#`, `@`, `*` before an enum, a reference and children. */
  readonly kind: string
  /** The name of the enum or of the entity set. */
  readonly target: string | undefined
  readonly nullable: boolean
  readonly words: ReadonlySet<string>
}

/** How the file says that dates and decimals are read. */
export interface Settings {
  readonly enums: Readonly<Record<string, ReadonlyArray<string>>>
  readonly dates: "utc" | "text"
  readonly decimals: "exact" | "number"
}

const pattern = /^([#@*]?)([\p{L}_][\p{L}\p{N}_]*)(?:\(\d+(?:,\d+)?\))?(\??)((?: \S+)*)$/u

/** Reads the text of a field. What is no such text is a mistake in the file, and names the set and the field. */
export const parse = (set: string, field: string, text: string): Spec => {
  const [, mark = "", name = "", nullable = "", words = ""] = pattern.exec(text) ?? []
  if (name === "") throw new TypeError(`${set}.${field}: ${JSON.stringify(text.slice(0, 80))} describes no field.`)
  return {
    kind: mark === "" ? name : mark,
    target: mark === "" ? undefined : name,
    nullable: nullable !== "",
    words: new Set(words.split(" ").filter((word) => word !== ""))
  }
}

const kinds: Readonly<Record<string, (settings: Settings) => Schema.Schema.AnyNoContext>> = {
  guid: () => Schema.UUID,
  text: () => Schema.String,
  bool: () => Schema.Boolean,
  int: () => Schema.Int,
  double: () => ComplexType.Double,
  int64: () => ComplexType.Int64,
  decimal: ({ decimals }) => (decimals === "number" ? ComplexType.DecimalNumber : ComplexType.Decimal),
  dateTime: ({ dates }) => (dates === "text" ? Schema.String : Schema.DateTimeUtc),
  timestamp: () => IncrementalPull.Timestamp,
  amount: ({ decimals }) => (decimals === "number" ? ComplexType.AmountNumber : ComplexType.Amount),
  quantity: ({ decimals }) => (decimals === "number" ? ComplexType.QuantityNumber : ComplexType.Quantity),
  texts: () => ComplexType.MultilanguageString,
  custom: () => ComplexType.CustomPropertyValue,
  open: () => Schema.Unknown,
  time: () => ComplexType.TimeOfDay,
  binary: () => Schema.String,
  "@": () => ComplexType.Reference
}

/** The Schema of a field that is read as it is; children are read by `include` alone. */
export const toSchema = (set: string, field: string, spec: Spec, settings: Settings): Schema.Schema.AnyNoContext => {
  const where = `${set}.${field}`
  if (spec.kind === "*") throw new TypeError(`${where} is a child collection: read it by include.`)
  if (spec.kind === "#") {
    const members = Object.hasOwn(settings.enums, spec.target ?? "") ? settings.enums[spec.target ?? ""] : undefined
    if (members === undefined) throw new TypeError(`${where}: the file has no enum ${spec.target}.`)
    return orNull(ComplexType.Enum(...members), spec)
  }
  const make = Object.hasOwn(kinds, spec.kind) ? kinds[spec.kind] : undefined
  if (make === undefined) {
    throw new TypeError(
      `${where}: this version of effect-erpnet does not know the kind "${spec.kind}". Install the version that made the file, or a newer one.`
    )
  }
  return orNull(make(settings), spec)
}

/** The Schema, or the same that takes null too where the field may be null. */
export const orNull = (schema: Schema.Schema.AnyNoContext, spec: Spec): Schema.Schema.AnyNoContext =>
  spec.nullable ? Schema.NullOr(schema) : schema

const literals: Readonly<Record<string, Shape["literal"]>> = { guid: "guid", time: "timeOfDay", double: "double" }

/** What a filter has to know of the fields: which hold guids, times and amounts. Paths become nested fields. */
export const toShape = (set: string, specs: Readonly<Record<string, string>>): Shape => {
  const root = emptyShape()
  for (const [path, text] of Object.entries(specs)) {
    const steps = path.split("/")
    if (!steps.every(isIdentifier)) throw new TypeError(`${set}: ${JSON.stringify(path)} is not the name of a field.`)
    let shape = root
    for (const step of steps) {
      const next = shape.fields.get(step) ?? emptyShape()
      shape.fields.set(step, next)
      shape = next
    }
    const { kind } = parse(set, path, text)
    shape.literal = Object.hasOwn(literals, kind) ? literals[kind] : undefined
    shape.amount = kind === "amount" || kind === "quantity"
  }
  return root
}
