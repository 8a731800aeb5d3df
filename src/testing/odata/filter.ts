/**
 * `$filter`: the operators eq, ge, le, in and and, the text functions and the three null functions. ERP.net has no
 * others; what it has not is refused by name.
 */
import type { Context } from "../data/context.ts"
import type { Row, Value } from "../data/store.ts"
import { isComplex, memberValue, partOf, searchTexts } from "../data/values.ts"
import { compareDecimals } from "../model/decimal.ts"
import { invalidOperation, malformed, notSupported } from "../model/errors.ts"
import { compareGuids, readGuid } from "../model/guid.ts"
import { type Attribute, type EntityModel, type FilterGroup, isRelated } from "../model/model.ts"
import { currentName } from "../model/version.ts"
import { type Literal, readLiteral, syntaxError, type Token, tokenize } from "./literals.ts"
import { resolvePath, type Target } from "./path.ts"

/**
 * A filter ready to run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter {
  readonly matches: (row: Row) => boolean
  /** When the filter names the ids it can match, those. */
  readonly ids: ReadonlyArray<string> | undefined
}

type Test = (value: Value) => boolean
type Operator = "eq" | "ge" | "le"

const unsupportedWords: ReadonlySet<string> = new Set([
  "or",
  "not",
  "ne",
  "gt",
  "lt",
  "has",
  "add",
  "sub",
  "mul",
  "div",
  "divby",
  "mod"
])

const textFunctions = {
  contains: (text: string, part: string) => text.includes(part),
  startswith: (text: string, part: string) => text.startsWith(part),
  endswith: (text: string, part: string) => text.endsWith(part)
}
type TextFunction = keyof typeof textFunctions
const isTextFunction = (name: string): name is TextFunction => Object.hasOwn(textFunctions, name)

const nullFunctions: ReadonlyMap<string, Operator> = new Map([
  ["equalnull", "eq"],
  ["lessequalnull", "le"],
  ["greaterequalnull", "ge"]
])

const operatorNames: Readonly<Record<Operator, string>> = {
  eq: "Equal",
  ge: "GreaterThanOrEqual",
  le: "LessThanOrEqual"
}

const secondsOf = (text: string): number => {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(":").map(Number)
  return hours * 3_600 + minutes * 60 + seconds
}

const dayLength = 86_400_000

const edmNames: Readonly<Record<Literal["kind"], string>> = {
  string: "Edm.String",
  enum: "Edm.Enum",
  guid: "Edm.Guid",
  number: "Edm.Decimal",
  boolean: "Edm.Boolean",
  date: "Edm.DateTimeOffset",
  time: "Edm.TimeOfDay",
  null: "Null"
}

const holds = (operator: Operator, order: number): boolean =>
  operator === "eq" ? order === 0 : operator === "ge" ? order >= 0 : order <= 0

const maxDepth = 100

/**
 * Reads a filter for the rows of an entity set.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parseFilter = (context: Context, entity: EntityModel, text: string): Filter => {
  const { settings, store } = context
  const tokens = tokenize(text)
  const end: Token = { kind: "end", at: text.length }
  let position = 0
  let depth = 0
  let ids: ReadonlyArray<string> | undefined

  const peek = (): Token => tokens[position] ?? end
  const next = (): Token => tokens[position++] ?? end
  const fail = (token: Token): Error => syntaxError(text, token.at)
  const expect = (kind: Token["kind"]): void => {
    const token = next()
    if (token.kind !== kind) throw fail(token)
  }
  const unsupported = (name: string): Error => notSupported(`'${name}' is not supported in $filter.`)

  const fold = (value: string): string => (settings.stringComparison === "ignoreCase" ? value.toLowerCase() : value)

  const allow = (target: Target, group: FilterGroup): void => {
    if (!settings.strictFilters || target.kind === "reference" || target.attribute.filters.has(group)) return
    throw notSupported(
      `The attribute '${target.path}' of '${target.entity.type}' does not support this filter. Supported filters: ${
        [...target.attribute.filters].join(", ") || "NotFilterable"
      }.`
    )
  }

  const mismatch = (expected: string, literal: Literal, operator: Operator): Error =>
    malformed(
      "A binary operator with incompatible types was detected. " +
        `Found operand types '${expected}' and '${edmNames[literal.kind]}' for operator kind '${operatorNames[operator]}'.`
    )

  const truncated = (attribute: Attribute, time: number): number => {
    const precision =
      attribute.name === "AggregateLastUpdateTimeUtc" ? settings.aggregateTimeFilters : settings.dateTimeFilters
    return precision === "date" ? Math.floor(time / dayLength) * dayLength : time
  }

  const compareReference = (
    target: Target & { readonly kind: "reference" },
    operator: Operator,
    literal: Literal
  ): Test => {
    if (operator !== "eq") throw notSupported(`The reference '${target.path}' supports only eq and in.`)
    if (literal.kind !== "string") throw mismatch("Edm.EntityType", literal, operator)
    const [, set = "", idText = ""] = /^(\w+)\(([^()]*)\)$/.exec(literal.text) ?? []
    const id = readGuid(idText)
    const named = store.model.entities.get(currentName(set))
    if (id === undefined || named === undefined) throw malformed(`'${literal.text}' is not a valid entity reference.`)
    if (!isRelated(store.model, named.set, target.reference.target)) {
      throw invalidOperation(
        `'${literal.text}' can not be compared with '${target.path}', which refers to '${target.reference.target}'.`
      )
    }
    return (value) => value === id
  }

  const compareEnum = (attribute: Attribute, operator: Operator, literal: Literal): Test => {
    if (literal.kind !== "string" && literal.kind !== "enum")
      throw mismatch(`Erp.${attribute.enumName}`, literal, operator)
    const wanted = memberValue(store.model, attribute, literal.text)
    if (wanted === undefined || (literal.kind === "enum" && !literal.type.startsWith("Erp."))) {
      throw malformed(`The string '${literal.text}' is not a valid enumeration type constant.`)
    }
    return (value) => {
      const actual = typeof value === "string" ? memberValue(store.model, attribute, value) : undefined
      return actual !== undefined && holds(operator, actual - wanted)
    }
  }

  const compareAttribute = (attribute: Attribute, path: string, operator: Operator, literal: Literal): Test => {
    switch (attribute.kind) {
      case "string": {
        if (literal.kind !== "string") throw mismatch("Edm.String", literal, operator)
        const wanted = fold(literal.text)
        return (value) => {
          if (typeof value !== "string") return false
          const actual = fold(value)
          return holds(operator, actual === wanted ? 0 : actual < wanted ? -1 : 1)
        }
      }
      case "guid": {
        if (literal.kind !== "guid") throw mismatch("Edm.Guid", literal, operator)
        return (value) => typeof value === "string" && holds(operator, compareGuids(value, literal.text))
      }
      case "boolean": {
        if (literal.kind !== "boolean") throw mismatch("Edm.Boolean", literal, operator)
        if (operator !== "eq") throw notSupported(`The attribute '${path}' supports only eq and in.`)
        return (value) => value === literal.value
      }
      case "date":
      case "dateTime": {
        if (literal.kind !== "date") throw mismatch("Edm.DateTimeOffset", literal, operator)
        const wanted = truncated(attribute, literal.time)
        return (value) => typeof value === "number" && holds(operator, value - wanted)
      }
      case "time": {
        if (literal.kind !== "time") throw mismatch("Edm.TimeOfDay", literal, operator)
        const wanted = secondsOf(literal.text)
        return (value) => typeof value === "string" && holds(operator, secondsOf(value) - wanted)
      }
      case "int":
      case "short":
      case "byte":
      case "double":
      case "int64":
      case "decimal":
        return compareNumber(operator, literal)
      case "enum":
        return compareEnum(attribute, operator, literal)
      case "custom": {
        if (literal.kind !== "string") throw mismatch("Erp.Systems_Bpm_CustomPropertyValue", literal, operator)
        if (operator !== "eq") throw notSupported(`The custom property '${path}' supports only eq.`)
        const wanted = fold(literal.text)
        return (value) => {
          const actual = partOf(value, "Value")
          return typeof actual === "string" && fold(actual) === wanted
        }
      }
      case "multilanguage":
        throw notSupported(`The attribute '${path}' is a MultilanguageString: use contains.`)
      case "amount":
      case "quantity":
        throw notSupported(`The attribute '${path}' can not be compared as a whole: use '${path}Value'.`)
      case "binary":
        throw notSupported(`The attribute '${path}' is not filterable.`)
    }
  }

  const compareNumber = (operator: Operator, literal: Literal): Test => {
    if (literal.kind !== "number") throw mismatch("Edm.Decimal", literal, operator)
    return (value) =>
      (typeof value === "string" || Number.isFinite(value)) &&
      holds(operator, compareDecimals(String(value), literal.text))
  }

  const compare = (target: Target, operator: Operator, literal: Literal): Test => {
    if (literal.kind === "null") return operator === "eq" ? (value) => value === null : () => false
    if (target.kind === "reference") return compareReference(target, operator, literal)
    if (target.kind === "number") return compareNumber(operator, literal)
    return compareAttribute(target.attribute, target.path, operator, literal)
  }

  const remember = (target: Target, literals: ReadonlyArray<Literal>): void => {
    if (target.kind !== "attribute" || target.path.includes("/") || !entity.keys.has(target.path)) return
    ids ??= literals.flatMap((literal) => (literal.kind === "guid" ? [literal.text] : []))
  }

  const path = (token: Token): Target => {
    if (token.kind !== "word" || readLiteral(token) !== undefined) throw fail(token)
    if (unsupportedWords.has(token.text)) throw unsupported(token.text)
    if (!/^[\p{L}_][\p{L}\d_]*(\/[\p{L}_][\p{L}\d_]*)*$/u.test(token.text)) throw fail(token)
    return resolvePath(context, entity, token.text)
  }

  const literal = (): Literal => {
    const token = next()
    const value = readLiteral(token)
    if (value !== undefined) return value
    if (token.kind === "word" && /^[\p{L}_]/u.test(token.text)) {
      throw notSupported(`'${token.text}' is not supported here: $filter compares with constants only.`)
    }
    throw fail(token)
  }

  const textCall = (name: TextFunction): Filter["matches"] => {
    const target = path(next())
    expect(",")
    const token = peek()
    const part = literal()
    if (part.kind !== "string") throw fail(token)
    expect(")")
    const wanted = fold(part.text)
    const test = textFunctions[name]
    if (target.kind === "reference") {
      if (name !== "contains") throw notSupported(`The reference '${target.path}' supports only contains.`)
      const { reference } = target
      const owner = target.rowOf
      const referencedEntity = store.model.entities.get(reference.target)
      return (row) => {
        const id = owner(row)?.values[reference.name]
        const found =
          typeof id === "string" && referencedEntity !== undefined ? store.find(referencedEntity, id) : undefined
        return found !== undefined && searchTexts(store, found).some((candidate) => test(fold(candidate), wanted))
      }
    }
    allow(target, "L")
    if (target.attribute.kind === "multilanguage") {
      if (name !== "contains")
        throw notSupported(`The attribute '${target.path}' is a MultilanguageString: use contains.`)
      return (row) => {
        const value = target.read(row)
        return (
          isComplex(value) &&
          Object.values(value).some((candidate) => typeof candidate === "string" && test(fold(candidate), wanted))
        )
      }
    }
    if (target.attribute.kind !== "string" && target.attribute.kind !== "enum")
      throw notSupported(`${name} is not supported for '${target.path}'.`)
    return (row) => {
      const value = target.read(row)
      return typeof value === "string" && test(fold(value), wanted)
    }
  }

  const nullCall = (operator: Operator): Filter["matches"] => {
    const target = path(next())
    expect(",")
    const value = literal()
    expect(")")
    allow(target, operator === "eq" ? "E" : "G")
    const test = compare(target, operator, value)
    return (row) => {
      const actual = target.read(row)
      return actual === null || test(actual)
    }
  }

  const call = (name: string): Filter["matches"] => {
    if (isTextFunction(name)) return textCall(name)
    const operator = nullFunctions.get(name)
    if (operator !== undefined) return nullCall(operator)
    throw unsupported(name.split("/").at(-1) ?? name)
  }

  const inList = (target: Target): Filter["matches"] => {
    expect("(")
    const values: Array<Literal> = [literal()]
    while (peek().kind === ",") {
      next()
      values.push(literal())
    }
    expect(")")
    allow(target, "I")
    remember(target, values)
    const tests = values.map((value) => compare(target, "eq", value))
    return (row) => {
      const actual = target.read(row)
      return tests.some((test) => test(actual))
    }
  }

  const comparison = (first: Token): Filter["matches"] => {
    if (readLiteral(first) !== undefined) {
      throw notSupported("A constant is not supported as the first operand of a $filter comparison.")
    }
    const target = path(first)
    const token = next()
    if (token.kind !== "word") throw fail(token)
    const operator = token.text
    if (operator === "in") return inList(target)
    if (operator !== "eq" && operator !== "ge" && operator !== "le") {
      throw unsupportedWords.has(operator) ? unsupported(operator) : fail(token)
    }
    const value = literal()
    allow(target, operator === "eq" ? "E" : "G")
    if (operator === "eq") remember(target, [value])
    const test = compare(target, operator, value)
    return (row) => test(target.read(row))
  }

  const term = (): Filter["matches"] => {
    const token = next()
    if (token.kind === "(") {
      depth++
      if (depth > maxDepth) throw malformed("The node count limit of $filter was exceeded.")
      const inner = conjunction()
      expect(")")
      depth--
      return inner
    }
    if (token.kind === "word" && unsupportedWords.has(token.text)) throw unsupported(token.text)
    if (token.kind === "word" && peek().kind === "(") {
      next()
      return call(token.text)
    }
    return comparison(token)
  }

  const conjunction = (): Filter["matches"] => {
    const terms = [term()]
    for (;;) {
      const token = peek()
      if (token.kind !== "word") break
      if (unsupportedWords.has(token.text)) throw unsupported(token.text)
      if (token.text !== "and") throw fail(token)
      next()
      terms.push(term())
    }
    return (row) => terms.every((test) => test(row))
  }

  const matches = conjunction()
  const rest = peek()
  if (rest.kind !== "end") throw fail(rest)
  return { matches, ids }
}
