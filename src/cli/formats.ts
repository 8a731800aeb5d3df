/** How rows are printed: JSON, a line of JSON each, CSV (RFC 4180) or a table. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { UsageError } from "./output.ts"
import { columnsOf, compact, parse, type Row, rowOf, type Table, tableOf } from "./table.ts"

export type Format = "json" | "ndjson" | "csv" | "table"

/** Prints one page after the other. */
export interface Formatter {
  readonly begin: string
  readonly rows: (
    rows: ReadonlyArray<string>
  ) => Effect.Effect<{ readonly text: string; readonly notes: ReadonlyArray<string> }, UsageError>
  readonly end: string
}

// Control characters that JSON allows in a text, and a terminal would follow.
const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** A row as it was written, on one line. Line breaks stand between its parts only, for JSON has none in a string. */
const line = (row: string): string => row.replace(/\r?\n\s*/g, "").replace(/[\u007F-\u009F]/g, escape)

const json: () => Formatter = () => {
  let isFirst = true
  return {
    begin: '{"value":[',
    rows: (rows) =>
      Effect.sync(() => {
        const text = rows.map((row, index) => `${isFirst && index === 0 ? "" : ","}\n${line(row)}`).join("")
        isFirst &&= rows.length === 0
        return { text, notes: [] }
      }),
    end: "\n]}\n"
  }
}

const ndjson: Formatter = {
  begin: "",
  rows: (rows) => Effect.succeed({ text: rows.map((row) => `${line(row)}\n`).join(""), notes: [] }),
  end: ""
}

const parsed = (rows: ReadonlyArray<string>): ReadonlyArray<Row> =>
  rows.map((row) => rowOf(Option.getOrElse(parse(row), () => row)))

const field = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text)

const csv = (named: ReadonlyArray<string> | undefined): Formatter => {
  let names = named
  return {
    begin: "",
    rows: (texts) =>
      Effect.gen(function* () {
        const rows = parsed(texts)
        const isFirst = names === undefined || names === named
        const header = names ?? columnsOf(rows)
        const known = new Set(header)
        const other = named === undefined ? columnsOf(rows).find((name) => !known.has(name)) : undefined
        if (other !== undefined) {
          return yield* new UsageError({
            message: `A row has the field ${other}, which the first rows did not have. Name the fields with --columns.`
          })
        }
        names = [...header]
        const lines = rows.map((row) => header.map((name) => field(compact(row[name]))).join(","))
        const all = isFirst ? [header.map(field).join(","), ...lines] : lines
        return { text: all.map((text) => `${text}\r\n`).join(""), notes: [] }
      }),
    end: ""
  }
}

const table = (named: ReadonlyArray<string> | undefined, width: number | undefined): Formatter => {
  let layout: Table["layout"]
  return {
    begin: "",
    rows: (texts) =>
      Effect.sync(() => {
        // The columns of the first page hold for all: what comes later is not known yet.
        const first = layout === undefined
        const { layout: used, notes, text } = tableOf({ value: parsed(texts) }, { columns: named, width, layout })
        layout = used ?? layout
        return { text: `${text}\n`, notes: first ? notes : [] }
      }),
    end: ""
  }
}

/** The formatter of a name. */
export const formatter = (
  format: Format,
  columns: ReadonlyArray<string> | undefined,
  width: number | undefined
): Formatter => {
  switch (format) {
    case "json":
      return json()
    case "ndjson":
      return ndjson
    case "csv":
      return csv(columns)
    case "table":
      return table(columns, width)
  }
}
