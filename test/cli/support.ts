/** Runs the command line inside the test: what it prints, its exit code, and no process. */
import { type HttpClient, Terminal } from "@effect/platform"
import { NodeFileSystem, NodePath } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { ConfigProvider, Console, Effect, Layer, Mailbox, Option, Redacted, Stream } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { run } from "../../src/cli/app.ts"
import { StandardInput } from "../../src/cli/standardInput.ts"
import { withoutColours } from "../../src/cli/style.ts"

export const demoSecret = Redacted.value(ErpNetEmulator.demoSecret)

/** The settings that lead to the embedded instance in memory. */
export const demoSettings: Readonly<Record<string, string>> = {
  ERPNET_INSTANCE: "testdb",
  ERPNET_CLIENT_ID: ErpNetEmulator.demoApplication.applicationUri,
  ERPNET_CLIENT_SECRET: demoSecret,
  ERPNET_SCOPE: "read"
}

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Options {
  readonly settings?: Readonly<Record<string, string>>
  /** What a pipe writes to standard input. */
  readonly input?: string
  /** The same as bytes. */
  readonly bytes?: Stream.Stream<Uint8Array>
  /** The keys that a person presses: then standard input is a terminal. */
  readonly keys?: ReadonlyArray<string>
}

const key = (name: string): Terminal.UserInput => ({
  input: name.length === 1 ? Option.some(name) : Option.none(),
  key: { name, ctrl: false, meta: false, shift: false }
})

/** A terminal on which these keys are pressed, and then it is closed. Prompts are collected like standard error. */
const terminalOf = (keys: ReadonlyArray<string>, display: (text: string) => Effect.Effect<void>) =>
  Layer.succeed(
    Terminal.Terminal,
    Terminal.Terminal.of({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      isTTY: Effect.succeed(true),
      readInput: Effect.gen(function* () {
        const mailbox = yield* Mailbox.make<Terminal.UserInput>()
        yield* mailbox.offerAll(keys.map(key))
        yield* mailbox.end
        return mailbox
      }),
      readLine: Effect.fail(new Terminal.QuitException()),
      display
    })
  )

/** Runs `effect-erpnet` with these arguments, settings and standard input. */
export const runCli = (
  args: ReadonlyArray<string>,
  options: Options = {}
): Effect.Effect<Outcome, never, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const out: Array<string> = []
    const err: Array<string> = []
    const collect =
      (lines: Array<string>) =>
      (...parts: ReadonlyArray<unknown>) =>
        Effect.sync(() => void lines.push(`${withoutColours(parts.map(String).join(" "))}\n`))
    const console = yield* Effect.consoleWith(Effect.succeed)
    const code = yield* run(args).pipe(
      Effect.provide(
        Layer.mergeAll(
          NodeFileSystem.layer,
          NodePath.layer,
          terminalOf(options.keys ?? [], collect(err)),
          Layer.succeed(StandardInput, {
            isTerminal: options.keys !== undefined,
            bytes: options.bytes ?? Stream.make(new TextEncoder().encode(options.input ?? ""))
          })
        )
      ),
      Console.withConsole({ ...console, log: collect(out), error: collect(err) }),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(options.settings ?? demoSettings))))
    )
    return { code, out: out.join(""), err: err.join("") }
  })

/** No secret, no token and no colours in a text. */
export const assertClean = (text: string): void => {
  for (const secret of [demoSecret, encodeURIComponent(demoSecret), btoa(demoSecret), "eyJ", "Bearer ", "\u001B["]) {
    assert.notInclude(text, secret)
  }
  assert.notMatch(text, /^\s+at /m, "a stack trace")
}
