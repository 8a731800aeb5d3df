/** The package as a stranger gets it: packed, installed into an empty project, type-checked and run there, offline. */
import { execFile, execFileSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "effect-erpnet-tarball-"))
const copy = `${folder}/copy`
const project = `${folder}/project`
const installed = `${project}/node_modules/effect-erpnet`
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"))

/** While no module of `effect-erpnet/node` is there yet. */
const nodeIsEmpty = (): boolean => !/^export \*/m.test(readFileSync(`${root}src/node/index.ts`, "utf8"))

/** What the program of the README needs besides the package; npm links them, so that no registry is asked. */
const peers = ["effect", "@effect/platform", "@effect/platform-node", "@types/node"]

interface Packed {
  readonly filename: string
  readonly files: ReadonlyArray<{ readonly path: string; readonly size: number }>
}

let packed: Packed

interface Outcome {
  readonly code: number
  readonly output: string
}

const run = (
  args: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }
): Effect.Effect<Outcome> =>
  Effect.async((resume) => {
    const { PATH = "" } = process.env
    const child = execFile(
      process.execPath,
      [...args],
      { cwd: options.cwd, env: { PATH, ...options.env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
        resume(Effect.succeed({ code, output: stdout + stderr }))
      }
    )
    return Effect.sync(() => child.kill())
  })

const npm = (args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync("npm", [...args], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

const program = (): string =>
  /^## The program$[\s\S]*?^```ts\n([\s\S]*?)^```$/m.exec(readFileSync(`${installed}/README.md`, "utf8"))?.[1] ?? ""

// Built in a copy: other tests, and whoever works in the repository, keep their dist.
beforeAll(() => {
  mkdirSync(copy)
  for (const path of [
    "src",
    "test/tools/build",
    "package.json",
    "tsconfig.json",
    "README.md",
    "CHANGELOG.md",
    "LICENSE"
  ]) {
    cpSync(`${root}${path}`, `${copy}/${path}`, { recursive: true })
  }
  symlinkSync(`${root}node_modules`, `${copy}/node_modules`)
  // As from a fresh clone: the script `prepack` builds.
  const answer = npm(["pack", "--json", "--pack-destination", folder], copy)
  packed = JSON.parse(answer.slice(answer.search(/^\[/m)))[0]
  mkdirSync(project)
  writeFileSync(
    `${project}/package.json`,
    JSON.stringify({
      name: "stranger",
      private: true,
      type: "module",
      dependencies: {
        "effect-erpnet": `file:../${packed.filename}`,
        ...Object.fromEntries(peers.map((name) => [name, `file:${root}node_modules/${name}`]))
      }
    })
  )
  npm(
    [
      "install",
      "--offline",
      "--install-links=false",
      "--legacy-peer-deps",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund"
    ],
    project
  )
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("tarball", () => {
  it("holds the build and the documents, and nothing else", () => {
    const paths = packed.files.map(({ path }) => path)
    for (const path of [
      "package.json",
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
      "dist/index.js",
      "dist/bundle/index.js",
      "dist/testing/index.js",
      "dist/testing/standardModel.txt",
      "dist/node/index.js"
    ]) {
      assert.include(paths, path)
    }
    const isExpected =
      /^(?:dist\/.+\.(?:js|d\.ts|map)|dist\/(?:cli\.)?LICENSES\.txt|dist\/testing\/standardModel\.txt|[A-Z]+(?:\.md)?|package\.json)$/
    assert.deepStrictEqual(
      paths.filter((path) => !isExpected.test(path)),
      []
    )
    assert.deepStrictEqual(
      paths.filter((path) => /(?:^|\/)tsconfig|\.test\.ts$|^test\//.test(path)),
      []
    )
    const large = packed.files.filter(({ path, size }) => size > (path.startsWith("dist/cli") ? 8_000_000 : 400_000))
    assert.deepStrictEqual(large, [])
  })

  it("has at most 250 files, and 2.5 MB without the command line", () => {
    const library = packed.files.filter(({ path }) => !path.startsWith("dist/cli"))
    assert.isAtMost(packed.files.length, 250)
    assert.isAtMost(
      library.reduce((sum, { size }) => sum + size, 0),
      2_500_000
    )
  })

  it("holds one copy of each function: the modules, and the bundle for Node's loader", () => {
    const scripts = packed.files.filter(({ path }) => /^dist\/(?:testing|node)\/.*\.js$/.test(path))
    assert.deepStrictEqual(scripts.map(({ path }) => path).sort(), ["dist/node/index.js", "dist/testing/index.js"])
    for (const { path } of scripts) {
      const code = readFileSync(`${installed}/${path}`, "utf8")
      assert.notMatch(code, /from "\.\.?\//, path)
      assert.notInclude(code, "class InvalidClient ", path)
    }
  })

  it.live("a value of one subpath is an instance of the class of another, under Node's loader", () =>
    Effect.gen(function* () {
      writeFileSync(
        `${project}/instances.mjs`,
        `import assert from "node:assert/strict"
        import * as Root from "effect-erpnet"
        import { ErpNetEmulator } from "effect-erpnet/testing"
        const subpaths = ${JSON.stringify(Object.keys(manifest.exports).map((path) => path.slice(2)))}
        let classes = 0
        for (const name of subpaths.filter((name) => /^[A-Z]/.test(name))) {
          const module = await import("effect-erpnet/" + name)
          for (const [key, value] of Object.entries(module)) {
            assert.equal(value, Root[name][key], name + "." + key)
            if (/^class\\b/.test(String(value))) classes++
          }
        }
        assert.ok(classes > 20, String(classes))
        const { Cause, Effect, Either, Exit, Layer } = await import("effect")
        const { InvalidInstance } = await import("effect-erpnet/ErpNetError")
        const { make } = await import("effect-erpnet/Instance")
        const refused = await Effect.runPromise(Effect.either(make("ftp://x")))
        assert.ok(Either.isLeft(refused) && refused.left instanceof InvalidInstance)
        // The embedded instance makes its origin an instance of the client.
        const exit = await Effect.runPromiseExit(Effect.scoped(Layer.build(ErpNetEmulator.layer({ name: "ftp://x" }))))
        assert.ok(Exit.isFailure(exit))
        assert.ok(Cause.squash(exit.cause) instanceof InvalidInstance, String(Cause.squash(exit.cause)))`
      )
      const { code, output } = yield* run(["instances.mjs"], { cwd: project })
      assert.strictEqual(code, 0, output)
    })
  )

  it.live("has the whole real model for its embedded instance", () =>
    Effect.gen(function* () {
      writeFileSync(
        `${project}/model.mjs`,
        `import assert from "node:assert/strict"
        import { HttpClient } from "@effect/platform"
        import { ErpNetEmulator } from "effect-erpnet/testing"
        import { Effect } from "effect"
        const program = Effect.gen(function* () {
          const erp = yield* ErpNetEmulator.ErpNetEmulator
          const response = yield* HttpClient.get(erp.origin + "/api/domain/standardmodel")
          assert.equal((yield* response.json).length, 655)
        })
        await Effect.runPromise(Effect.provide(program, ErpNetEmulator.layer()))`
      )
      const { code, output } = yield* run(["model.mjs"], { cwd: project })
      assert.strictEqual(code, 0, output)
    })
  )

  it("points from every file of the build to a map that is there, and from every map to its sources", () => {
    const paths = readdirSync(`${installed}/dist`, { recursive: true, encoding: "utf8" })
    const isThere = (path: string, ...target: ReadonlyArray<string>): boolean =>
      existsSync(join(dirname(`${installed}/dist/${path}`), ...target))
    const faults = paths.flatMap((path) => {
      if (!/\.(?:js|ts|map)$/.test(path)) return []
      const text = readFileSync(`${installed}/dist/${path}`, "utf8")
      if (!path.endsWith(".map")) {
        const [, map] = /^\/\/# sourceMappingURL=(\S+)\s*$/m.exec(text) ?? []
        return map === undefined || isThere(path, map) ? [] : [`${path}: ${map}`]
      }
      // The sources of bundled packages are not shipped.
      const { sourceRoot = "", sources, sourcesContent } = JSON.parse(text)
      return sourcesContent === undefined
        ? sources
            .filter((source: string) => !source.includes("/node_modules/") && !isThere(path, sourceRoot, source))
            .map((source: string) => `${path}: ${source}`)
        : []
    })
    assert.deepStrictEqual(faults, [])
  })

  it.live("can be imported by every subpath", () =>
    Effect.gen(function* () {
      const subpaths = Object.keys(manifest.exports).filter(
        (path) => path !== "./package.json" && !(path === "./node" && nodeIsEmpty())
      )
      assert.isAbove(subpaths.length, 15)
      const code = subpaths
        .map((path) => JSON.stringify(`effect-erpnet${path.slice(1)}`))
        .map((specifier) => `if (Object.keys(await import(${specifier})).length === 0) throw ${specifier}`)
        .join("\n")
      writeFileSync(`${project}/imports.mjs`, code)
      const { code: exit, output } = yield* run(["imports.mjs"], { cwd: project })
      assert.strictEqual(exit, 0, output)
    })
  )

  for (const [version, tsc] of [
    ["5.9", "node_modules/@arethetypeswrong/core/node_modules/typescript/lib/tsc.js"],
    ["7", "node_modules/typescript/bin/tsc"]
  ] as const) {
    for (const resolution of ["nodenext", "bundler"]) {
      it.live(
        `the program of the README compiles under TypeScript ${version} with ${resolution}`,
        () =>
          Effect.gen(function* () {
            writeFileSync(`${project}/program.ts`, program())
            const module = resolution === "bundler" ? "esnext" : "nodenext"
            const told = yield* run([`${root}${tsc}`, "--version"], { cwd: project })
            assert.include(told.output, `Version ${version}.`)
            const { code, output } = yield* run(
              [
                ...[`${root}${tsc}`, "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022"],
                ...["--lib", "es2022,dom,dom.iterable", "--types", "node", "--skipLibCheck", "false"],
                ...["--module", module, "--moduleResolution", resolution, "program.ts"]
              ],
              { cwd: project }
            )
            assert.strictEqual(code, 0, output)
          }),
        60_000
      )
    }
  }

  it.live("the program of the README runs, and prints the table", () =>
    Effect.gen(function* () {
      const emulator = yield* ErpNetEmulator.ErpNetEmulator
      writeFileSync(`${project}/program.mjs`, program())
      const secret = Redacted.value(ErpNetEmulator.demoSecret)
      const { code, output } = yield* run(["program.mjs"], {
        cwd: project,
        env: {
          ERPNET_INSTANCE: emulator.origin,
          ERPNET_CLIENT_ID: ErpNetEmulator.demoApplication.applicationUri,
          ERPNET_CLIENT_SECRET: secret
        }
      })
      assert.strictEqual(code, 0, output)
      assert.match(output, /│ Number|│ \(index\) │ Id/)
      assert.strictEqual([...output.matchAll(/[0-9a-f]{8}-[0-9a-f]{4}-/g)].length, 10, output)
      assert.notInclude(output, secret)
    }).pipe(Effect.provide(ErpNetEmulator.serve()))
  )
})
