/**
 * The words of `$filter`, and the literals among them.
 */
import { malformed } from "../model/errors.ts"
import { readGuid } from "../model/guid.ts"

/**
 * A constant in a filter.
 *
 * @category models
 * @since 0.1.0
 */
export type Literal =
  | { readonly kind: "string"; readonly text: string }
  /** `Erp.Type'Member'`. */
  | { readonly kind: "enum"; readonly type: string; readonly text: string }
  | { readonly kind: "guid"; readonly text: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** Epoch milliseconds, with the time of day as written. */
  | { readonly kind: "date"; readonly time: number }
  /** A time of day: `08:30:00`. */
  | { readonly kind: "time"; readonly text: string }
  | { readonly kind: "null" }

/**
 * A piece of filter text and where it begins.
 *
 * @category models
 * @since 0.1.0
 */
export type Token =
  | { readonly kind: "word"; readonly text: string; readonly at: number }
  | { readonly kind: "quoted"; readonly prefix: string; readonly text: string; readonly at: number }
  | { readonly kind: "(" | ")" | ","; readonly at: number }
  | { readonly kind: "end"; readonly at: number }

/**
 * The refusal of text that is not in the filter grammar.
 *
 * @category errors
 * @since 0.1.0
 */
export const syntaxError = (text: string, at: number): Error =>
  malformed(`Syntax error at position ${at} in '${text}'.`)

const wordPattern = /[^\s(),']+/y
const quotedPattern = /'((?:[^']|'')*)'/y

/**
 * Splits filter text into words, quoted strings and punctuation. A quote inside a string is doubled.
 *
 * @category combinators
 * @since 0.1.0
 */
export const tokenize = (text: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === " " || char === "\t") {
      at++
      continue
    }
    if (char === "(" || char === ")" || char === ",") {
      tokens.push({ kind: char, at })
      at++
      continue
    }
    wordPattern.lastIndex = at
    const word = wordPattern.exec(text)?.[0] ?? ""
    const start = at
    at += word.length
    if (text.charAt(at) !== "'") {
      if (word === "") throw syntaxError(text, at)
      tokens.push({ kind: "word", text: word, at: start })
      continue
    }
    quotedPattern.lastIndex = at
    const quoted = quotedPattern.exec(text)
    if (quoted === null)
      throw malformed(`There is an unterminated string literal at position ${text.length} in '${text}'.`)
    at += quoted[0].length
    tokens.push({ kind: "quoted", prefix: word, text: (quoted[1] ?? "").replaceAll("''", "'"), at: start })
  }
  tokens.push({ kind: "end", at: text.length })
  return tokens
}

const numberPattern = /^(-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)[mMdDfFlL]?$/
const datePattern = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?)(Z|[+-]\d{2}:\d{2})|Z?)$/

const readDate = (word: string): number | undefined => {
  const [, date, time = "00:00:00", zone = "Z"] = datePattern.exec(word) ?? []
  if (date === undefined) return undefined
  const day = Date.parse(`${date}T00:00:00Z`)
  // Date.parse turns 31 February into 3 March in some forms: the day must print as it was written.
  if (Number.isNaN(day) || !new Date(day).toISOString().startsWith(date)) return undefined
  const parsed = Date.parse(`${date}T${time.replace(/(\.\d{3})\d+$/, "$1")}${zone}`)
  return Number.isNaN(parsed) ? undefined : parsed
}

/**
 * Reads a word or quoted token as a literal; `undefined` when a word is something else.
 *
 * @category combinators
 * @since 0.1.0
 */
export const readLiteral = (token: Token): Literal | undefined => {
  if (token.kind === "quoted") {
    return token.prefix === ""
      ? { kind: "string", text: token.text }
      : { kind: "enum", type: token.prefix, text: token.text }
  }
  if (token.kind !== "word") return undefined
  const word = token.text
  if (word === "null") return { kind: "null" }
  if (word === "true" || word === "false") return { kind: "boolean", value: word === "true" }
  const guid = readGuid(word)
  if (guid !== undefined) return { kind: "guid", text: guid }
  const number = numberPattern.exec(word)?.[1]
  if (number !== undefined) return { kind: "number", text: number }
  if (/^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,7})?)?$/.test(word)) return { kind: "time", text: word }
  const time = readDate(word)
  return time === undefined ? undefined : { kind: "date", time }
}
