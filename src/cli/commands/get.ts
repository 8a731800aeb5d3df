/** `effect-erpnet get`: reads a path of the Domain API. */

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as DomainApi from "../../DomainApi.ts"
import * as ErpNet from "../../ErpNet.ts"
import { type Format, formatter } from "../formats.ts"
import { note } from "../note.ts"
import { UsageError } from "../output.ts"
import { pageOf, readAll } from "../pages.ts"
import { checkPath, readPath, urlOf } from "../reading.ts"
import { Screen, show } from "../screen.ts"
import { type Settings, type SettingsError, withSettings } from "../settings.ts"
import { toFile, toScreen } from "../sink.ts"
import { formatJson, parse, plainText, tableOf } from "../table.ts"

export interface GetOptions extends Settings {
  readonly all?: boolean | undefined
  readonly format?: Format | undefined
  readonly columns?: ReadonlyArray<string> | undefined
  readonly output?: string | undefined
  readonly pager?: boolean | undefined
}

/** One answer as a text for people or for a program, and what is to be said beside it. */
const render = (
  text: string,
  options: GetOptions,
  columns: number | undefined
): Effect.Effect<{ readonly text: string; readonly notes: ReadonlyArray<string> }, UsageError> =>
  Effect.gen(function* () {
    const body = parse(text)
    if (Option.isNone(body)) return { text: plainText(text), notes: [] }
    const page = pageOf(text)
    const more =
      page?.nextLink === undefined
        ? []
        : [`There are more rows. Get all with --all, or the next ones with the path '${plainText(page.nextLink)}'.`]
    switch (options.format) {
      case "table": {
        const table = tableOf(body.value, { columns: options.columns, width: columns })
        return { text: table.text, notes: [...table.notes, ...more] }
      }
      case "csv":
      case "ndjson": {
        const format = formatter(options.format, options.columns, undefined)
        const { notes, text: rows } = yield* format.rows(page?.rows ?? [text])
        return { text: rows.replace(/\r?\n$/, ""), notes: [...notes, ...more] }
      }
      default:
        return { text: formatJson(body.value), notes: [] }
    }
  })

const getOne = (url: string, options: GetOptions) =>
  Effect.gen(function* () {
    const { columns } = yield* Screen
    const answer = yield* readPath(url)
    const { notes, text } = yield* render(answer, options, options.output === undefined ? columns : undefined)
    if (options.output !== undefined) {
      yield* toFile(options.output, ({ write }) => write(`${text}\n`))
    } else if (options.format === "ndjson" || options.format === "csv") {
      yield* Console.log(text)
    } else {
      yield* show(text, options.pager)
    }
    yield* Effect.forEach(notes, note, { discard: true })
  })

/** Reads a path, or every page of it. */
export const get = (
  path: string,
  options: GetOptions = {}
): Effect.Effect<
  void,
  DomainApi.DomainApiError | SettingsError | Error,
  FileSystem.FileSystem | HttpClient.HttpClient | Path.Path
> =>
  Effect.gen(function* () {
    const api = yield* DomainApi.DomainApi
    const url = yield* urlOf(api.instance, path)
    if (options.columns !== undefined && options.format !== "table" && options.format !== "csv") {
      return yield* new UsageError({ message: "--columns is for --format table and --format csv." })
    }
    if (options.all !== true) return yield* getOne(url, options)
    const { output } = options
    const { columns } = yield* Screen
    const format = formatter(options.format ?? "json", options.columns, output === undefined ? columns : undefined)
    yield* output === undefined
      ? toScreen((sink) => readAll(url, format, sink))
      : toFile(output, (sink) => readAll(url, format, sink))
  }).pipe(
    Effect.provide(ErpNet.layerConfig({ discover: true })),
    (run) => Effect.zipRight(checkPath(path), run),
    withSettings(options)
  )
