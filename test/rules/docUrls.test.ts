/** Under each example of Filter, Query and EntitySet stands the request that goes out; here the examples are run. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { DomainApi } from "effect-erpnet"
import { fakeDomain } from "../support/domain.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = `${root}test/.urls`

const examplesIn = (source: string): ReadonlyArray<string> =>
  [...source.matchAll(/^ \* ```ts\n([\s\S]*?)^ \* ```$/gm)].map((match) => (match[1] ?? "").replace(/^ \* ?/gm, ""))

/** The requests that an example names, each in a comment `// GET ...` that goes on in the next comment lines. */
const named = (code: string): ReadonlyArray<string> =>
  [...code.matchAll(/^\/\/ (GET .*(?:\n\/\/ .*)*)/gm)].map((match) => (match[1] ?? "").replace(/\n\/\/ /g, ""))

const isRequest = (value: unknown): value is Effect.Effect<unknown, unknown, DomainApi.DomainApi> =>
  Effect.isEffect(value)

/** The requests that the exports of an example send; those that are functions are called without arguments. */
const sent = (path: string) =>
  Effect.gen(function* () {
    const fake = fakeDomain(({ url }) => ({ body: url.pathname.endsWith("/$count") ? "0" : '{"value":[]}' }))
    const exported: Readonly<Record<string, unknown>> = yield* Effect.promise(() => import(path))
    for (const value of Object.values(exported)) {
      const request: unknown = typeof value === "function" ? value() : value
      if (isRequest(request)) yield* Effect.provide(request, fake.layer)
    }
    return fake.calls.map(({ url }) => {
      const { pathname, search } = url
      return `GET ${pathname.replace("/api/domain/odata/", "")}${decodeURIComponent(search)}`
    })
  })

describe("the requests under the examples", () => {
  for (const module of ["Filter", "Query", "EntitySet", "EntityModel"]) {
    it.effect(`of ${module} are those that go out`, () =>
      Effect.gen(function* () {
        const examples = examplesIn(readFileSync(`${root}src/${module}.ts`, "utf8"))
        assert.isAbove(examples.length, 0)
        mkdirSync(folder, { recursive: true })
        for (const [index, code] of examples.entries()) {
          const path = `${folder}/${module}-${index}.ts`
          writeFileSync(path, code)
          assert.isAbove(named(code).length, 0, `${module}, example ${index} names no request`)
          assert.sameMembers([...(yield* sent(path))], [...named(code)])
        }
      }).pipe(Effect.ensuring(Effect.sync(() => rmSync(folder, { recursive: true, force: true }))))
    )
  }
})
