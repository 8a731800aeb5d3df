/** Rows of the Domain API as a table, and JSON that is fit to be read. Both keep every digit of a number. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { isLosslessNumber, parse as losslessParse, stringify } from "lossless-json"
import stringWidth from "string-width"
import { blue, bold, cyan, dim, magenta, withoutColours, yellow } from "./style.ts"

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

/** One row, by the names of its fields. */
export type Row = Readonly<Record<string, unknown>>

/** A value as a row: what is no object is a row of one field. */
export const rowOf = (item: unknown): Row =>
  Predicate.isRecord(item) && !isLosslessNumber(item) ? item : { value: item }

/** The names of all fields. What the server adds about a row (`@odata.id`) is left out. */
export const columnsOf = (rows: ReadonlyArray<Row>): ReadonlyArray<string> =>
  [...new Set(rows.flatMap(Object.keys))].filter((name) => !name.includes("@"))

/** A value as one text, uncut. */
export const compact = (value: unknown): string => {
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

const isoDate = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.\d+)?Z$/

/** A date without the midnight that belongs to it, a date-time without its T, a text in several languages in one. */
const readable = (value: unknown): string => {
  const date = typeof value === "string" ? isoDate.exec(value) : null
  if (date !== null) {
    const [, day = "", minutes = "", seconds = ""] = date
    return minutes === "00:00" && (seconds === "" || seconds === ":00") ? day : `${day} ${minutes}${seconds}`
  }
  if (Predicate.isRecord(value) && !isLosslessNumber(value)) {
    const texts = Object.entries(value)
    const isMultilingual =
      texts.length > 0 && texts.every(([name, text]) => /^[A-Z]{2}$/.test(name) && typeof text === "string")
    if (isMultilingual) return compact(value["EN"] ?? texts[0]?.[1])
  }
  return compact(value)
}

const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+|(?![\u200D\u{E0020}-\u{E007F}])\p{Cf}+/gu, " ")

/** How many columns of a terminal a text takes. */
const width = (text: string): number => (/^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text))

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })

/** As many characters as fit into so many columns. */
const take = (characters: ReadonlyArray<string>, columns: number): ReadonlyArray<string> => {
  const taken: Array<string> = []
  let used = 0
  for (const character of characters) {
    used += width(character)
    if (used > columns) break
    taken.push(character)
  }
  return taken
}

const isId = /(?:^|\()[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\)?$/i

/** A text that takes at most so many columns. An id is cut in its middle, for both of its ends tell it from others. */
const cut = (text: string, columns: number): string => {
  if (width(text) <= columns) return text
  const characters = [...graphemes.segment(text)].map(({ segment }) => segment)
  if (!isId.test(text)) return `${take(characters, columns - 1).join("")}…`
  const behind = [...take([...characters].reverse(), Math.floor((columns - 1) / 2))].reverse()
  return `${take(characters, Math.ceil((columns - 1) / 2)).join("")}…${behind.join("")}`
}

type Kind = "number" | "boolean" | "date" | "id" | "text"

const kindOf = (values: ReadonlyArray<unknown>): Kind => {
  const present = values.filter((value) => value !== null && value !== undefined)
  if (present.length === 0) return values.includes(null) ? "number" : "text"
  if (present.every(isLosslessNumber)) return "number"
  if (present.every((value) => /^-?\d+(?:\.\d+)? [^\d"{}]{1,8}$/.test(compact(value)) && typeof value !== "string"))
    return "number"
  if (present.every(Predicate.isBoolean)) return "boolean"
  if (present.every((value) => typeof value === "string" && isoDate.test(value))) return "date"
  return present.every((value) => isId.test(compact(value))) ? "id" : "text"
}

const colours: Readonly<Record<Kind, (text: string) => string>> = {
  number: cyan,
  boolean: yellow,
  date: magenta,
  id: blue,
  text: (text) => text
}

interface Column {
  readonly name: string
  readonly kind: Kind
  readonly size: number
}

/** The columns of a table, and how wide each is. */
export type Layout = ReadonlyArray<Column>

export interface Table {
  readonly text: string
  /** What to say beside the table. */
  readonly notes: ReadonlyArray<string>
  readonly layout: Layout | undefined
}

export interface TableOptions {
  /** The columns to show, in this order. */
  readonly columns?: ReadonlyArray<string> | undefined
  /** How many columns the terminal has; without it no column is left out. */
  readonly width?: number | undefined
  /** The layout of an earlier page; then there is no header. */
  readonly layout?: Layout | undefined
}

const total = (layout: Layout): number => layout.reduce((sum, { size }) => sum + size + 2, -2)

/** The columns in the greatest of some widths in which all have room; else as many as have room in a small one. */
const layOut = (names: ReadonlyArray<string>, rows: ReadonlyArray<Row>, width_: number | undefined): Layout => {
  const whole = names.map((name) => {
    const values = rows.map((row) => row[name])
    const size = Math.max(width(oneLine(name)), ...values.map((value) => width(oneLine(readable(value)))))
    return { name, kind: kindOf(values), size }
  })
  const within = (most: number): Layout =>
    // A number that is cut is another number.
    whole.map((column) => ({ ...column, size: column.kind === "number" ? column.size : Math.min(column.size, most) }))
  const widest = within(48)
  if (width_ === undefined) return widest
  const fitting = [48, 36, 28, 20].map(within).find((layout) => total(layout) <= width_)
  if (fitting !== undefined) return fitting
  let layout = within(20)
  while (layout.length > 1 && total(layout) > width_) layout = layout.slice(0, -1)
  return layout.map((column) => ({ ...column, size: Math.min(column.size, width_) }))
}

const print = (
  layout: Layout,
  cells: (column: Column) => readonly [text: string, colour: (text: string) => string]
): string =>
  layout
    .map((column, index) => {
      const [full, colour] = cells(column)
      const text = cut(full, column.size)
      const gap = " ".repeat(column.size - width(text))
      const coloured = text === "" ? "" : colour(text)
      if (column.kind === "number") return gap + coloured
      return index === layout.length - 1 ? coloured : coloured + gap
    })
    .join("  ")
    .trimEnd()

const rowsOf = (body: unknown): ReadonlyArray<Row> => {
  const value = Predicate.isRecord(body) && Array.isArray(body["value"]) ? body["value"] : body
  const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : [value]
  return items.map(rowOf)
}

/** The rows of an answer as a table, one line each. */
export const tableOf = (body: unknown, options: TableOptions = {}): Table => {
  const rows = rowsOf(body)
  const names = options.columns ?? columnsOf(rows)
  if (rows.length === 0 || names.length === 0) {
    return { text: options.layout === undefined ? "(no rows)" : "", notes: [], layout: options.layout }
  }
  const layout = options.layout ?? layOut(names, rows, options.width)
  const header = [
    print(layout, ({ name }) => [oneLine(name), bold]),
    print(layout, ({ size }) => ["-".repeat(size), dim])
  ]
  const lines = rows.map((row) => print(layout, ({ kind, name }) => [oneLine(readable(row[name])), colours[kind]]))
  const left = names.slice(layout.length)
  const notes =
    left.length === 0
      ? []
      : [
          `${left.length} of ${names.length} columns have no room: ${left.map(oneLine).join(", ")}.`,
          "Choose with --columns, or write them all with --output."
        ]
  return { text: [...(options.layout === undefined ? header : []), ...lines].join("\n"), notes, layout }
}

/** The rows of an answer as a table, however wide, without colours. */
export const formatTable = (body: unknown): string => withoutColours(tableOf(body).text)
