/** Runs a command in this process: with its streams, its terminal and its signals. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Terminal from "@effect/platform/Terminal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { execute } from "./app.ts"
import { describe, exitCodeOf, withColours } from "./output.ts"
import type { Parsed } from "./program.ts"
import { Screen } from "./screen.ts"
import { StandardInput } from "./standardInput.ts"
import { red, withoutColours } from "./style.ts"

interface Colours {
  readonly out: boolean
  readonly err: boolean
}

/** Prompts go to standard error: standard output is for results. */
const PromptTerminal = Layer.project(NodeTerminal.layer, Terminal.Terminal, Terminal.Terminal, (terminal) => ({
  ...terminal,
  display: (text: string) =>
    Effect.sync(() => {
      process.stderr.write(text)
    })
}))

const write = (text: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain")
  })

const page = (text: string): Effect.Effect<boolean> =>
  Effect.async((resume) => {
    const pager = process.env["PAGER"] ?? "less -FRX"
    if (pager === "" || pager === "cat") return resume(Effect.succeed(false))
    const child = spawn(pager, { shell: true, stdio: ["pipe", "inherit", "inherit"] })
    // The pager may end before it has read everything.
    child.stdin.on("error", () => undefined)
    child.once("error", () => resume(Effect.succeed(false)))
    // 127: the shell does not know the pager.
    child.once("exit", (code) => resume(Effect.succeed(code !== 127)))
    child.stdin.end(`${text}\n`)
    return Effect.sync(() => child.kill())
  })

const screen = ({ out }: Colours) => ({
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  rows: process.stdout.isTTY ? process.stdout.rows : undefined,
  write: (text: string) => write(out ? text : withoutColours(text)),
  page: (text: string) => page(out ? text : withoutColours(text)),
  progress: process.stderr.isTTY
    ? (line: string) =>
        Effect.sync(() => {
          process.stderr.write(`\r\u001B[K${line}`)
        })
    : undefined
})

/** The transport with proxies and certificates, which takes time to load: the commands without network have no use. */
const transport = (isLocal: boolean) =>
  isLocal
    ? FetchHttpClient.layer
    : Layer.unwrapEffect(
        Effect.map(
          Effect.promise(() => import("../node/NodeTransport.ts")),
          ({ layer }) => layer()
        )
      )

const Services = Layer.mergeAll(
  NodeFileSystem.layer,
  NodePath.layer,
  PromptTerminal,
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.stringLogger)),
  Layer.succeed(StandardInput, { isTerminal: process.stdin.isTTY === true, bytes: NodeStream.stdin })
)

/** Runs what a command line came to; the exit code is set at the end. */
export const main = (parsed: Parsed, colours: Colours): void =>
  Effect.consoleWith((console) =>
    execute(parsed).pipe(
      Effect.provide(Layer.merge(Services, transport(parsed._tag === "Print" || parsed.isLocal))),
      // A proxy of the environment that cannot be used.
      Effect.catchAll((error) => Effect.as(Console.error(`${red("Error:")} ${describe(error)}`), exitCodeOf(error))),
      Effect.provideService(Screen, screen(colours)),
      Console.withConsole(withColours(console, colours))
    )
  ).pipe(
    Effect.tap((code) =>
      Effect.sync(() => {
        process.exitCode = code
      })
    ),
    NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
  )
