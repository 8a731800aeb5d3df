/** Reads page after page, and writes each before the next is read. */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as DomainApi from "../DomainApi.ts"
import * as DomainRequest from "../DomainRequest.ts"
import type { Formatter } from "./formats.ts"
import { note } from "./note.ts"
import { UsageError } from "./output.ts"
import { checked, urlOf } from "./reading.ts"
import { Screen } from "./screen.ts"
import type { Sink } from "./sink.ts"

/** The rows of a page as they were written, and the link to the next one. */
export interface Page {
  readonly rows: ReadonlyArray<string>
  readonly nextLink: string | undefined
}

const quote = 34
const backslash = 92

/** The index behind the string that begins at an index. */
const afterString = (text: string, from: number): number => {
  let at = text.indexOf('"', from + 1)
  for (; at !== -1; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === backslash) before--
    if ((at - before) % 2 === 1) return at + 1
  }
  return text.length
}

/** The values of the array that begins at an index, each as it was written, and the index behind the array. */
const itemsOf = (text: string, from: number): { readonly items: ReadonlyArray<string>; readonly end: number } => {
  const items: Array<string> = []
  let depth = 0
  let start = from + 1
  const take = (end: number) => {
    const item = text.slice(start, end).trim()
    if (item !== "") items.push(item)
  }
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      at = afterString(text, at)
      continue
    }
    if (code === 91 || code === 123) depth++
    else if (code === 93 || code === 125) {
      depth--
      if (depth === 0) {
        take(at)
        return { items, end: at + 1 }
      }
    } else if (code === 44 && depth === 1) {
      take(at)
      start = at + 1
    }
    at++
  }
  return { items, end: text.length }
}

/** The index of the `value` array of an answer, -1 where it has none: a key of the outermost object. */
const valueArray = (text: string): number => {
  let depth = 0
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const end = afterString(text, at)
      if (depth === 1 && text.slice(at, end) === '"value"') {
        const opening = /^\s*:\s*\[/.exec(text.slice(end, end + 100))
        if (opening !== null) return end + opening[0].length - 1
      }
      at = end
      continue
    }
    if (code === 91 || code === 123) depth++
    else if (code === 93 || code === 125) depth--
    at++
  }
  return -1
}

/** The page that an answer is; nothing where it has no rows. Only what is around the rows is parsed. */
export const pageOf = (text: string): Page | undefined => {
  const from = valueArray(text)
  if (from === -1) return undefined
  const { end, items } = itemsOf(text, from)
  try {
    const around: unknown = JSON.parse(`${text.slice(0, from)}[]${text.slice(end)}`.replace(/^\uFEFF/, ""))
    const link = typeof around === "object" && around !== null ? Reflect.get(around, "@odata.nextLink") : undefined
    return { rows: items, nextLink: typeof link === "string" && link !== "" ? link : undefined }
  } catch {
    return undefined
  }
}

const count = (value: number): string => value.toString().replace(/\B(?=(\d{3})+$)/g, " ")

/** Says how far it is, once a second has passed: on a terminal in place, else a line for every ten seconds. */
const makeProgress = Effect.gen(function* () {
  const { progress } = yield* Screen
  const start = yield* Clock.currentTimeMillis
  const pause = progress === undefined ? 10_000 : 500
  let last = start + (progress === undefined ? 0 : 500)
  const line = (rows: number, pages: number, now: number) =>
    `${count(rows)} rows, ${count(pages)} pages, ${count(Math.round(rows / ((now - start) / 1000)))} rows/s`
  return {
    tell: (rows: number, pages: number) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now - last < pause) return Effect.void
        last = now
        return (progress ?? Console.error)(line(rows, pages, now))
      }),
    end: (rows: number, pages: number) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        now - start < 1000
          ? Effect.void
          : Effect.zipRight(progress?.("") ?? Effect.void, Console.error(line(rows, pages, now)))
      )
  }
})

const withTop = (url: string): string => {
  const address = new URL(url)
  // Without $top the whole result comes in one answer.
  if (!/[?&](?:\$|%24)top=/i.test(address.search)) {
    address.search += `${address.search === "" ? "?" : "&"}$top=1000`
  }
  return address.href
}

/** Reads every page from a URL on into a sink. */
export const readAll = (
  url: string,
  format: Formatter,
  sink: Sink
): Effect.Effect<void, DomainApi.DomainApiError | Error, DomainApi.DomainApi> =>
  Effect.gen(function* () {
    const api = yield* DomainApi.DomainApi
    const progress = yield* makeProgress
    const seen = new Set<string>()
    let rows = 0
    let next: string | undefined = withTop(url)
    yield* sink.write(format.begin)
    while (next !== undefined) {
      seen.add(next)
      const page = pageOf(yield* Effect.flatMap(api.execute(DomainRequest.raw(next)), checked))
      if (page === undefined) {
        return yield* new UsageError({ message: "This is no list of rows, so --all has nothing to follow." })
      }
      const { notes, text } = yield* format.rows(page.rows)
      yield* sink.write(text)
      yield* Effect.forEach(notes, note, { discard: true })
      rows += page.rows.length
      yield* progress.tell(rows, seen.size)
      const link: string | undefined = page.nextLink === undefined ? undefined : new URL(page.nextLink, next).href
      next = link === undefined ? undefined : yield* urlOf(api.instance, link)
      if (next !== undefined && seen.has(next)) {
        return yield* Effect.fail(new Error("A page links to one that was read already, so there is no end."))
      }
    }
    yield* sink.write(format.end)
    yield* progress.end(rows, seen.size)
  })
