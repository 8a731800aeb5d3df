/** Rows of the Domain API as a table, and JSON that is fit to be read. Both keep every digit of a number. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { isLosslessNumber, parse as losslessParse, stringify } from "lossless-json"

/** The value of a JSON text, its numbers as they were written; none where it is not JSON. */
export const parse: (text: string) => Option.Option<unknown> = Option.liftThrowable((text) =>
  losslessParse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue })
)

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** JSON with line breaks. Characters that would steer a terminal are escaped, which changes nothing for a parser. */
export const formatJson = (value: unknown): string =>
  (stringify(value, undefined, 2) ?? "").replace(/[\u007F-\u009F]/g, escape)

/** A text that is not JSON, without the characters that would steer a terminal. */
export const plainText = (text: string): string => text.replace(/[^\P{Cc}\t\n]/gu, "")

const widest = 48

const oneLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")

const compact = (value: unknown): string => {
  if (value === null || value === undefined) return ""
  if (typeof value === "string") return value
  if (Predicate.isRecord(value) && !isLosslessNumber(value)) {
    const { "@odata.id": id, Currency, Unit, Value } = value
    // A reference that was not expanded.
    if (typeof id === "string" && Object.keys(value).length === 1) return id
    // An Amount or a Quantity.
    const unit = Currency ?? Unit
    if (typeof unit === "string" && Object.keys(value).length === 2) return `${compact(Value)} ${unit}`
  }
  return stringify(value) ?? ""
}

const cell = (value: unknown): string => {
  const characters = [...oneLine(compact(value))]
  return characters.length > widest ? `${characters.slice(0, widest - 1).join("")}…` : characters.join("")
}

const width = (text: string): number => [...text].length

const rowsOf = (body: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  const value = Predicate.isRecord(body) && Array.isArray(body["value"]) ? body["value"] : body
  const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
  return items.map((item) => (Predicate.isRecord(item) && !isLosslessNumber(item) ? item : { value: item }))
}

/** The rows of an answer, one line each. What the server adds about a row (`@odata.id`) is left out. */
export const formatTable = (body: unknown): string => {
  const rows = rowsOf(body)
  const names = [...new Set(rows.flatMap(Object.keys))].filter((name) => !name.includes("@"))
  if (rows.length === 0 || names.length === 0) return "(no rows)"
  const columns = names.map((name) => {
    const cells = [oneLine(name), ...rows.map((row) => cell(row[name]))]
    const size = Math.max(...cells.map(width))
    const isNumeric = rows.every((row) => row[name] === null || isLosslessNumber(row[name]))
    return [cells[0] ?? "", "-".repeat(size), ...cells.slice(1)].map((text) => {
      const gap = " ".repeat(size - width(text))
      return isNumeric ? gap + text : text + gap
    })
  })
  return ["", "", ...rows]
    .map((_, line) =>
      columns
        .map((column) => column[line])
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}
