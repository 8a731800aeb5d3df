/** The program as a person runs it: a process, its two streams and its exit code. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { createServer } from "node:net"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { assertClean, demoSecret, type Outcome } from "./support.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const program = ["--import", "tsx", "src/cli/main.ts"]

const environment = (settings: Readonly<Record<string, string>>): NodeJS.ProcessEnv => {
  const { PATH } = process.env
  return { ...(PATH === undefined ? {} : { PATH }), ...settings }
}

const run = (
  args: ReadonlyArray<string>,
  settings: Readonly<Record<string, string>> = {},
  input = ""
): Effect.Effect<Outcome> =>
  Effect.async((resume) => {
    const child = execFile(
      process.execPath,
      [...program, ...args],
      { cwd: root, env: environment(settings), maxBuffer: 2 ** 26 },
      (error, out, err) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
        resume(Effect.succeed({ code, out, err }))
      }
    )
    child.stdin?.end(input)
    return Effect.sync(() => child.kill())
  })

const settingsFor = (instance: string): Readonly<Record<string, string>> => ({
  ERPNET_INSTANCE: instance,
  ERPNET_CLIENT_ID: ErpNetEmulator.demoApplication.applicationUri,
  ERPNET_CLIENT_SECRET: demoSecret,
  ERPNET_SCOPE: "read"
})

/** A port on loopback that nothing listens on. */
const closedPort = Effect.async<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const firstLines = (child: ChildProcess, count: number): Effect.Effect<ReadonlyArray<string>> =>
  Effect.async((resume) => {
    let text = ""
    child.stdout?.on("data", (part) => {
      text += String(part)
      const lines = text.split("\n")
      if (lines.length > count) resume(Effect.succeed(lines.slice(0, count)))
    })
  })

const exitOf = (child: ChildProcess): Effect.Effect<number | null> =>
  Effect.async((resume) => {
    child.once("exit", (code) => resume(Effect.succeed(code)))
  })

describe("effect-erpnet as a process", () => {
  it.live("token, get and doctor on an instance that works", () =>
    Effect.gen(function* () {
      const settings = settingsFor((yield* ErpNetEmulator.ErpNetEmulator).origin)
      const token = yield* run(["token"], settings)
      assert.deepStrictEqual([token.code, token.err], [0, ""])
      assert.match(token.out, /^fingerprint +[0-9a-f]{8}$/m)
      assertClean(token.out)

      const shown = yield* run(["token", "--show"], settings)
      assert.match(shown.out, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
      assertClean(shown.err)

      const rows = yield* run(["get", "Crm_Customers?$top=3", "--format", "json"], settings)
      assert.deepStrictEqual([rows.code, rows.err], [0, ""])
      assert.strictEqual(JSON.parse(rows.out).value.length, 3)
      assertClean(rows.out)

      const doctor = yield* run(["doctor"], settings)
      assert.deepStrictEqual([doctor.code, doctor.err], [0, ""])
      assert.match(doctor.out, /^skipped +TLS +http on loopback needs none$/m)
      assertClean(doctor.out)
    }).pipe(Effect.provide(ErpNetEmulator.serve()))
  )

  it.live("errors are one line on standard error: 1 for what failed, 2 for what was typed or set", () =>
    Effect.gen(function* () {
      const refused = settingsFor(`http://127.0.0.1:${yield* closedPort}`)
      for (const args of [["token"], ["get", "Crm_Customers"]]) {
        const { code, err, out } = yield* run(args, refused)
        assert.deepStrictEqual([code, out], [1, ""])
        assert.match(err, /^Error: .*ECONNREFUSED.*\n$/)
        assertClean(err)
      }
      const doctor = yield* run(["doctor"], refused)
      assert.strictEqual(doctor.code, 1)
      assert.match(doctor.out, /^fail +reachable +.*ECONNREFUSED.*Nothing listens there/m)
      assertClean(doctor.out + doctor.err)

      const unset = yield* run(["token"])
      assert.deepStrictEqual([unset.code, unset.out], [2, ""])
      assert.match(unset.err, /^Error: ERPNET_INSTANCE is not set;/)
      assert.strictEqual((yield* run(["tokn"])).code, 2)
    })
  )

  it.live("secret-hash reads standard input", () =>
    Effect.gen(function* () {
      const hash = "T/AGymuI51LwjLeIFxRQXOs9IHnupDKs/ajhWODR2C4=\n"
      assert.deepStrictEqual(yield* run(["secret-hash"], {}, "DEMO\n"), { code: 0, out: hash, err: "" })
    })
  )

  it.live("emulator prints settings that work, and ends with Ctrl-C", () =>
    Effect.gen(function* () {
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, [...program, "emulator"], { cwd: root, env: environment({}) })),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      const [comment, ...exports] = yield* firstLines(child, 5)
      assert.match(comment ?? "", /^# .*demo data.*demo credentials/)
      const settings = Object.fromEntries(
        exports.map((line) => {
          const [, name = "", value = ""] = /^export (\w+)="?([^"]*)"?$/.exec(line) ?? []
          return [name, value]
        })
      )
      assert.match(settings["ERPNET_INSTANCE"] ?? "", /^http:\/\/127\.0\.0\.1:\d+$/)
      const doctor = yield* run(["doctor"], settings)
      assert.strictEqual(doctor.code, 0, doctor.out)

      const taken = yield* run(["emulator", "--port", new URL(settings["ERPNET_INSTANCE"] ?? "").port])
      assert.deepStrictEqual([taken.code, taken.out], [1, ""])
      assert.match(taken.err, /^Error: The embedded instance cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n$/)

      const exit = yield* Effect.fork(exitOf(child))
      yield* Effect.yieldNow()
      child.kill("SIGINT")
      assert.strictEqual(yield* exit, 0)
    }).pipe(Effect.scoped)
  )

  it.live("a reader that stops early, as head does, is no error", () =>
    Effect.gen(function* () {
      const settings = settingsFor((yield* ErpNetEmulator.ErpNetEmulator).origin)
      const child = spawn(process.execPath, [...program, "get", "Crm_Customers?$top=1000"], {
        cwd: root,
        env: environment(settings)
      })
      let err = ""
      child.stderr.on("data", (part) => {
        err += String(part)
      })
      child.stdout.once("data", () => child.stdout.destroy())
      assert.strictEqual(yield* exitOf(child), 0)
      assert.strictEqual(err, "")
    }).pipe(Effect.provide(ErpNetEmulator.serve()))
  )
})
