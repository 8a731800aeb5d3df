/** The program on a real terminal: what stands on screens of several widths, kept in screens/, and the keys pressed. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { demoSettings, runCli } from "./support.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const has = (name: string, option: string): boolean => spawnSync(name, [option]).status === 0
const hasTmux = has("tmux", "-V")

const program = `'${process.execPath}' --import tsx src/cli/main.ts`

/** A terminal with so many columns, and the settings in its environment. */
const terminal = (columns: number, settings: Readonly<Record<string, string>>, shell = "sh") =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-erpnet-tty-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const tmux = (...args: ReadonlyArray<string>) =>
      execFileSync("tmux", ["-S", join(folder, "socket"), "-f", "/dev/null", ...args], {
        encoding: "utf8",
        cwd: root,
        env: { PATH: process.env["PATH"], LANG: "C.UTF-8", PS1: "$ ", ...settings }
      })
    yield* Effect.acquireRelease(
      Effect.sync(() => tmux("new-session", "-d", "-x", String(columns), "-y", "40", shell)),
      () => Effect.sync(() => tmux("kill-server"))
    )
    const screen = (colours = false) =>
      tmux("capture-pane", "-p", ...(colours ? ["-e"] : []))
        .split("\n")
        .map((line) => line.trimEnd())
        .join("\n")
        .trimEnd()
    return {
      screen,
      type: (text: string) => Effect.sync(() => tmux("send-keys", "-l", text)),
      press: (key: string) => Effect.sync(() => tmux("send-keys", key)),
      /** Waits until the screen shows it. */
      until: (text: RegExp) =>
        Effect.sync(() => screen()).pipe(
          Effect.filterOrFail((shown) => text.test(shown)),
          Effect.retry(Schedule.spaced("100 millis")),
          Effect.timeoutFail({
            duration: "30 seconds",
            onTimeout: () => new Error(`never shown ${text}:\n${screen()}`)
          })
        )
    }
  })

const settingsOf = (origin: string) => ({ ...demoSettings, ERPNET_INSTANCE: origin })

/** The screen of a command, from under the line that it was typed in to its exit code. */
const screenOf = (columns: number, command: string, settings: Readonly<Record<string, string>>, colours = false) =>
  Effect.gen(function* () {
    const { press, screen, type, until } = yield* terminal(columns, settings)
    yield* type(`clear; ${command}; echo "exit $?"`)
    yield* press("Enter")
    yield* until(/^exit \d+$/m)
    return `${screen(colours)
      .replace(/\n[$#]\s*$/, "")
      .replace(/127\.0\.0\.1:\d+/, "127.0.0.1:12345")}\n`
  }).pipe(Effect.scoped)

const fixture = (name: string, text: string) =>
  Effect.promise(() => expect(text).toMatchFileSnapshot(`./screens/${name}.txt`))

const table = `${program} get 'Crm_Customers?$top=3' --format table`

describe.skipIf(!hasTmux)("on a terminal", () => {
  for (const columns of [60, 80, 120]) {
    it.live(
      `a table has no line longer than ${columns} columns, and no word is broken`,
      () =>
        Effect.gen(function* () {
          const { origin } = yield* ErpNetEmulator.ErpNetEmulator
          const text = yield* screenOf(columns, table, settingsOf(origin))
          yield* fixture(`table-${columns}`, text)
          for (const line of text.split("\n")) assert.isAtMost(line.length, columns)
        }).pipe(Effect.provide(ErpNetEmulator.serve())),
      60_000
    )
  }

  it.live(
    "has colours, but not with NO_COLOR and not in a pipe",
    () =>
      Effect.gen(function* () {
        const settings = settingsOf((yield* ErpNetEmulator.ErpNetEmulator).origin)
        assert.match(yield* screenOf(80, table, settings, true), /\u001B\[1m/)
        assert.notMatch(yield* screenOf(80, table, { ...settings, NO_COLOR: "1" }, true), /\u001B\[/)
        const piped = yield* screenOf(80, `${table} | cat`, settings, true)
        assert.notMatch(piped, /\u001B\[1m|have no room/)
      }).pipe(Effect.provide(ErpNetEmulator.serve())),
    90_000
  )

  it.live(
    "help and mistakes stay on one screen",
    () =>
      Effect.gen(function* () {
        yield* fixture("help-get-80", yield* screenOf(80, `${program} get --help`, {}))
        yield* fixture("mistake-60", yield* screenOf(60, `${program} gte X`, {}))
      }),
    60_000
  )

  it.live(
    "Ctrl-C ends what waits, with exit code 0, and leaves no file",
    () =>
      Effect.gen(function* () {
        const erp = yield* ErpNetEmulator.ErpNetEmulator
        yield* erp.failWhen(() => ErpNetEmulator.Fault.delay("1 hour"))
        const { press, type, until } = yield* terminal(80, settingsOf(erp.origin))
        yield* type(
          `clear; ${program} get Crm_Customers --all --verbose --output /tmp/effect-erpnet-never; echo "exit $?"`
        )
        yield* press("Enter")
        yield* Effect.repeat(erp.journal, {
          until: (entries) => entries.length > 0,
          schedule: Schedule.spaced("50 millis")
        })
        yield* press("C-c")
        yield* until(/exit (?:0|130)$/m)
        assert.strictEqual(spawnSync("ls", ["/tmp/effect-erpnet-never"]).status === 0, false)
      }).pipe(Effect.scoped, Effect.provide(ErpNetEmulator.serve())),
    60_000
  )

  it.live.skipIf(!has("zsh", "--version"))(
    "zsh completes commands, options and values",
    () =>
      Effect.gen(function* () {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-erpnet-zsh-"))),
          (path) => Effect.sync(() => rmSync(path, { recursive: true }))
        )
        const script = join(folder, "_effect-erpnet")
        writeFileSync(script, (yield* runCli(["completions", "zsh"])).out)
        const { press, type, until } = yield* terminal(80, {}, "zsh -f")
        yield* type(`autoload -Uz compinit; compinit -u -D; source ${script}; clear; echo rea""dy`)
        yield* press("Enter")
        yield* until(/^ready$/m)
        for (const [typed, shown] of [
          ["effect-erpnet des", /effect-erpnet describe/],
          ["effect-erpnet get --format nd", /--format ndjson/],
          ["effect-erpnet completions f", /completions fish/]
        ] as const) {
          yield* press("C-u")
          yield* type(typed)
          yield* press("Tab")
          yield* until(shown)
        }
      }).pipe(Effect.scoped, Effect.provide(ErpNetEmulator.layer())),
    60_000
  )
})
