import type * as ParseResult from "effect/ParseResult"
import type * as SchemaAST from "effect/SchemaAST"

/** Where a value does not fit a Schema, and how; the value itself is never part of it. */
export interface ParseFault {
  readonly path: ReadonlyArray<PropertyKey>
  readonly reason: string
}

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : typeof value

const longestName = 120

const nameOf = (ast: SchemaAST.AST): string => {
  if (ast._tag === "TypeLiteral") return "an object"
  if (ast._tag === "TupleType") return "an array"
  const name = String(ast)
  return name.length <= longestName ? name : `${name.slice(0, longestName - 1)}…`
}

const expected = (ast: SchemaAST.AST, actual: unknown): ParseFault => ({
  path: [],
  reason: `expected ${nameOf(ast)}, found ${typeOf(actual)}`
})

const deepest = (faults: ReadonlyArray<ParseFault>): ParseFault | undefined =>
  faults.reduce<ParseFault | undefined>(
    (best, fault) => (best === undefined || fault.path.length > best.path.length ? fault : best),
    undefined
  )

/** Describes the first fault of a decode. The message of the parser would quote the value. */
export const describe = (issue: ParseResult.ParseIssue): ParseFault => {
  switch (issue._tag) {
    case "Type":
      return expected(issue.ast, issue.actual)
    case "Missing":
      return { path: [], reason: "it is missing" }
    case "Unexpected":
      return { path: [], reason: "it is not expected" }
    case "Forbidden":
      return { path: [], reason: "it cannot be decoded without running an Effect" }
    case "Pointer": {
      const inner = describe(issue.issue)
      const keys = Array.isArray(issue.path) ? issue.path : [issue.path]
      return { path: [...keys, ...inner.path], reason: inner.reason }
    }
    case "Refinement": {
      if (issue.kind === "Predicate") return expected(issue.ast, issue.actual)
      return describe(issue.issue)
    }
    case "Transformation": {
      const inner = describe(issue.issue)
      // A transformation that fails at its own level is reported by its name, such as BigDecimal.
      return inner.path.length === 0 && issue.kind === "Transformation" ? expected(issue.ast, issue.actual) : inner
    }
    case "Composite": {
      const issues: ReadonlyArray<ParseResult.ParseIssue> = "_tag" in issue.issues ? [issue.issues] : issue.issues
      if (issue.ast._tag !== "Union") {
        const [first] = issues
        return first === undefined ? expected(issue.ast, issue.actual) : describe(first)
      }
      const best = deepest(issues.map(describe))
      return best === undefined || best.path.length === 0 ? expected(issue.ast, issue.actual) : best
    }
  }
}

/** A path as one would write it: `value[12].CreditLimit.Value`. */
export const formatPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>(
    (text, key) =>
      typeof key === "number" || /^\d+$/.test(String(key))
        ? `${text}[${String(key)}]`
        : text === ""
          ? String(key)
          : `${text}.${String(key)}`,
    ""
  )
