/**
 * The rule of the layout, read from the sources: a PascalCase file is a public import path; behind it may lie a folder
 * of the same name whose camelCase files are private to it; `internal/` is the ground and imports nothing above itself.
 */
import { readdirSync, readFileSync } from "node:fs"
import { posix } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

/** Source text by path, such as `DomainApi/session.ts`. */
type Sources = Readonly<Record<string, string>>

interface Import {
  readonly from: string
  readonly to: string
}

/** What the embedded instance may know of the client, so that a misunderstanding in the client cannot hide in it. */
const knownToTesting = new Set([
  "Instance.ts",
  "TrustedApplication.ts",
  "InteractiveApplication.ts",
  "ComplexType.ts",
  "EntityId.ts",
  "ErpNetError.ts"
])

/** The folders that are no client module. */
const wings = new Set(["internal", "testing", "node", "cli"])

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.indexOf("/")))
const isFace = (name: string): boolean => /^[A-Z]\w*\.ts$/.test(name)

/** The relative imports and re-exports of all files, comments left out. */
const importsOf = (sources: Sources): ReadonlyArray<Import> =>
  Object.entries(sources).flatMap(([from, text]) =>
    [
      ...text
        .replace(/^\s*\/?\*.*$|^\s*\/\/.*$/gm, "")
        .matchAll(/^(?:import|export|\})(?:[^"\n]*from)? ?"(\.[^"]+\.ts)"|\bimport\("(\.[^"]+\.ts)"\)/gm)
    ].map(([, declared, called]) => ({
      from,
      to: posix.normalize(posix.join(posix.dirname(from), declared ?? called ?? ""))
    }))
  )

/** Where a file lies: a face with its folder is one room; the embedded instance has a room for each of its folders. */
const roomOf = (path: string): string => {
  const [first = "", second = ""] = path.split("/")
  if (first === "testing") return isFace(second) || second === "index.ts" ? "testing" : `testing/${second}`
  return first.replace(/\.ts$/, "")
}

/** Why a file may not lie where it lies. */
const misplaced = (path: string, exported: ReadonlySet<string>, sources: Sources): string | undefined => {
  const folder = folderOf(path)
  const name = path.slice(path.lastIndexOf("/") + 1)
  if (path === "index.ts") return undefined
  if (folder === "") {
    if (!isFace(path)) return "a file beside the public modules has a PascalCase name"
    return exported.has(path.replace(/\.ts$/, ""))
      ? undefined
      : "a PascalCase file is listed in exports of package.json"
  }
  if (wings.has(folder)) {
    if (!isFace(name)) return undefined
    const isListed = sources[`${folder}/index.ts`]?.includes(`"./${name}"`) === true
    return isListed && path === `${folder}/${name}`
      ? undefined
      : `a PascalCase file is exported from ${folder}/index.ts`
  }
  if (sources[`${folder}.ts`] === undefined)
    return `a folder lies behind a module of its name, and ${folder}.ts is not there`
  return isFace(name) ? "a file in the folder of a module has a camelCase name" : undefined
}

/** Why one file may not import another. */
const forbidden = ({ from, to }: Import): string | undefined => {
  const source = folderOf(from)
  const target = folderOf(to)
  if (source === "internal") return target === "internal" ? undefined : "internal/ imports nothing above itself"
  if (source === "testing") {
    // The face alone puts a client in front of the instance; what is behind it stays an independent reading.
    if (from === "testing/ErpNetEmulator.ts" && to === "ErpNet.ts") return undefined
    return target === "testing" || knownToTesting.has(to) ? undefined : "testing/ does not know this part of the client"
  }
  if (target === "cli" || target === "node") {
    // The command line is a program of its own, and may use all of the library.
    return source === target ||
      (source === "cli" && to === "node/index.ts") ||
      (source === "cli" && isFace(to.slice(5)))
      ? undefined
      : `${target}/ is imported by nothing else`
  }
  if (target === "testing") return source === "cli" ? undefined : "testing/ is imported by the command line only"
  if (target === "" || target === "internal") return undefined
  return source === target || from === `${target}.ts` ? undefined : `${target}/ is private to ${target}.ts`
}

/** The rooms that reach themselves, each group once. */
const circles = (imports: ReadonlyArray<Import>): ReadonlyArray<string> => {
  const reached = new Map<string, Set<string>>()
  for (const { from, to } of imports) {
    if (roomOf(from) === roomOf(to)) continue
    reached.set(roomOf(from), (reached.get(roomOf(from)) ?? new Set()).add(roomOf(to)))
  }
  const all = (room: string, seen: Set<string>): Set<string> => {
    for (const next of reached.get(room) ?? []) if (!seen.has(next)) all(next, seen.add(next))
    return seen
  }
  const closure = new Map([...reached.keys()].map((room) => [room, all(room, new Set())] as const))
  const groups = [...closure].flatMap(([room, seen]) =>
    seen.has(room)
      ? [
          [...seen]
            .filter((other) => closure.get(other)?.has(room))
            .sort()
            .join(", ")
        ]
      : []
  )
  return [...new Set(groups)].map((rooms) => `a circle: ${rooms}`)
}

/** What breaks the rule, in words. */
const breaches = (sources: Sources, exported: ReadonlySet<string>): ReadonlyArray<string> => {
  const places = Object.keys(sources).flatMap((path) => {
    const reason = misplaced(path, exported, sources)
    return reason === undefined ? [] : [`${path}: ${reason}`]
  })
  const imports = importsOf(sources)
  const ways = imports.flatMap((one) => {
    const reason = forbidden(one)
    return reason === undefined ? [] : [`${one.from} -> ${one.to}: ${reason}`]
  })
  return [...places, ...ways, ...circles(imports.filter((one) => forbidden(one) === undefined))]
}

const root = fileURLToPath(new URL("../..", import.meta.url))
const manifest: { readonly exports: Readonly<Record<string, unknown>> } = JSON.parse(
  readFileSync(`${root}package.json`, "utf8")
)

/** A small house that keeps the rule. */
const sound: Sources = {
  "index.ts": `export * as DomainApi from "./DomainApi.ts"\nexport * as Instance from "./Instance.ts"\n`,
  "Instance.ts": `import { text } from "./internal/text.ts"\n`,
  "DomainApi.ts": `import * as Instance from "./Instance.ts"\nimport {\n  session\n} from "./DomainApi/session.ts"\n`,
  "DomainApi/session.ts": `import type { Permits } from "./permits.ts"\nimport { text } from "../internal/text.ts"\n`,
  "DomainApi/permits.ts": "export interface Permits {}\n",
  "internal/text.ts": "export const text = 1\n",
  "testing/index.ts": `export * as ErpNetEmulator from "./ErpNetEmulator.ts"\n`,
  "testing/ErpNetEmulator.ts": `import * as Instance from "../Instance.ts"\nimport { app } from "./server/app.ts"\n`,
  "testing/server/app.ts": `/**\n * import * as DomainApi from "../../DomainApi.ts"\n */\nexport const app = 1\n`,
  "node/index.ts": `export * as NodeTransport from "./NodeTransport.ts"\n`,
  "node/NodeTransport.ts": `import * as Instance from "../Instance.ts"\n`,
  "cli/main.ts": `import { app } from "./app.ts"\nimport * as Emulator from "../testing/ErpNetEmulator.ts"\n`,
  "cli/app.ts": `import * as NodeTransport from "../node/NodeTransport.ts"\n`
}
const exported = new Set(["DomainApi", "Instance"])

/** Samples of each kind of breach: what is changed in the sound house, and what is said about it. */
const samples: ReadonlyArray<readonly [change: Sources, said: string]> = [
  [{ "Query.ts": "" }, "Query.ts: a PascalCase file is listed in exports of package.json"],
  [{ "helpers.ts": "" }, "helpers.ts: a file beside the public modules has a PascalCase name"],
  [
    { "Filter/literal.ts": "" },
    "Filter/literal.ts: a folder lies behind a module of its name, and Filter.ts is not there"
  ],
  [{ "DomainApi/Session.ts": "" }, "DomainApi/Session.ts: a file in the folder of a module has a camelCase name"],
  [{ "node/Loopback.ts": "" }, "node/Loopback.ts: a PascalCase file is exported from node/index.ts"],
  [{ "internal/Text.ts": "" }, "internal/Text.ts: a PascalCase file is exported from internal/index.ts"],
  [
    { "Instance.ts": `import { session } from "./DomainApi/session.ts"\n`, "DomainApi.ts": "" },
    "Instance.ts -> DomainApi/session.ts: DomainApi/ is private to DomainApi.ts"
  ],
  [
    { "cli/app.ts": `export { session } from "../DomainApi/session.ts"\n` },
    "cli/app.ts -> DomainApi/session.ts: DomainApi/ is private to DomainApi.ts"
  ],
  [
    { "internal/text.ts": `import type {\n  Instance\n} from "../Instance.ts"\n`, "Instance.ts": "" },
    "internal/text.ts -> Instance.ts: internal/ imports nothing above itself"
  ],
  [
    { "internal/text.ts": `const load = () => import("../testing/index.ts")\n` },
    "internal/text.ts -> testing/index.ts: internal/ imports nothing above itself"
  ],
  [
    { "testing/server/app.ts": `import * as DomainApi from "../../DomainApi.ts"\n` },
    "testing/server/app.ts -> DomainApi.ts: testing/ does not know this part of the client"
  ],
  [
    { "testing/server/app.ts": `import { text } from "../../internal/text.ts"\n` },
    "testing/server/app.ts -> internal/text.ts: testing/ does not know this part of the client"
  ],
  [
    { "DomainApi.ts": `import * as NodeTransport from "./node/NodeTransport.ts"\n` },
    "DomainApi.ts -> node/NodeTransport.ts: node/ is imported by nothing else"
  ],
  [
    { "node/NodeTransport.ts": `import { app } from "../cli/app.ts"\n`, "cli/app.ts": "" },
    "node/NodeTransport.ts -> cli/app.ts: cli/ is imported by nothing else"
  ],
  [
    { "DomainApi.ts": `import * as Emulator from "./testing/ErpNetEmulator.ts"\n` },
    "DomainApi.ts -> testing/ErpNetEmulator.ts: testing/ is imported by the command line only"
  ],
  [{ "Instance.ts": `import type * as DomainApi from "./DomainApi.ts"\n` }, "a circle: DomainApi, Instance"],
  [
    {
      "testing/server/app.ts": `import "../data/store.ts"\n`,
      "testing/data/store.ts": `import { app } from "../server/app.ts"\n`
    },
    "a circle: testing/data, testing/server"
  ]
]

describe("the layout of the sources", () => {
  it("is kept by all of src", () => {
    const sources = Object.fromEntries(
      readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
        .filter((path) => path.endsWith(".ts"))
        .map((path) => [path, readFileSync(`${root}src/${path}`, "utf8")])
    )
    const listed = new Set(Object.keys(manifest.exports).map((path) => path.slice(2)))
    assert.isAbove(importsOf(sources).length, 200)
    assert.deepStrictEqual(breaches(sources, listed), [])
  })

  it("is kept by the small house of the samples", () => {
    assert.deepStrictEqual(breaches(sound, exported), [])
    assert.lengthOf(importsOf(sound), 15)
  })

  for (const [change, said] of samples) {
    it(`is broken by ${said}`, () => {
      assert.deepStrictEqual(breaches({ ...sound, ...change }, exported), [said])
    })
  }
})
