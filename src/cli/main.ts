/** The program `effect-erpnet`: the only module that knows the process. */
import * as CliConfig from "@effect/cli/CliConfig"
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
import * as NodeTransport from "../node/NodeTransport.ts"
import { run } from "./app.ts"
import { StandardInput } from "./commands/secretHash.ts"
import { describe, exitCodeOf, withColours } from "./output.ts"

// Whoever read the output has enough of it, as in `| head -1`.
process.stdout.on("error", () => process.exit())

const allowsColours = process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === ""
const colours = { out: allowsColours && process.stdout.isTTY, err: allowsColours && process.stderr.isTTY }

/** Prompts go to standard error: standard output is for results. */
const PromptTerminal = Layer.project(NodeTerminal.layer, Terminal.Terminal, Terminal.Terminal, (terminal) => ({
  ...terminal,
  display: (text: string) =>
    Effect.sync(() => {
      process.stderr.write(text)
    })
}))

const Services = Layer.mergeAll(
  NodeTransport.layer(),
  NodeFileSystem.layer,
  NodePath.layer,
  PromptTerminal,
  CliConfig.layer({ isCaseSensitive: true, showBuiltIns: false }),
  Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.stringLogger)),
  Layer.succeed(StandardInput, { isTerminal: process.stdin.isTTY, bytes: NodeStream.stdin })
)

Effect.consoleWith((console) =>
  run(process.argv.slice(2)).pipe(
    Effect.provide(Services),
    // A proxy of the environment that cannot be used.
    Effect.catchAll((error) => Effect.as(Console.error(`Error: ${describe(error)}`), exitCodeOf(error))),
    Console.withConsole(withColours(console, colours))
  )
).pipe(
  Effect.tap((code) =>
    Effect.sync(() => {
      // Not process.exit, which would cut off what a slow pipe has not taken yet.
      process.exitCode = code
    })
  ),
  NodeRuntime.runMain({ disableErrorReporting: true, disablePrettyLogger: true })
)
