/**
 * How do I run a job on a schedule, and stop it without harm? A worker that brings a SQLite copy of the customers up to
 * date at its start and then as WORKER_CRON says, until SIGTERM or Ctrl-C.
 *
 * On the embedded instance the clock strikes every second, others change customers between two pulls, and the worker
 * sends SIGTERM to itself in the middle of the third. With ERPNET_INSTANCE, ERPNET_CLIENT_ID and ERPNET_CLIENT_SECRET
 * set it works for that instance, every 15 minutes by default, on the file that is named.
 *
 *   npm run worker [file]
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Config, ConfigError, ConfigProvider, Cron, Effect, Either, Layer, Schedule } from "effect"
import { ErpNet, ErpNetError, type IncrementalPull } from "effect-erpnet"
import * as CustomerCopy from "./support/customerCopy.ts"
import { changeSome, temporaryFile } from "./support/demoCopy.ts"
import * as Embedded from "./support/embedded.ts"
import { progressBar, summary } from "./support/progressBar.ts"
import { line, run, yellow } from "./support/terminal.ts"

const cronConfig = Config.string("WORKER_CRON").pipe(
  Config.withDefault("*/15 * * * *"),
  Config.mapOrFail((expression) =>
    Either.mapLeft(Cron.parse(expression), ({ message }) => ConfigError.InvalidData(["WORKER_CRON"], message))
  )
)

interface Observer<R> {
  readonly onProgress: (progress: IncrementalPull.Progress) => Effect.Effect<void>
  readonly onPull: (summary: IncrementalPull.Summary) => Effect.Effect<void, never, R>
}

const worker = <R = never>({ onProgress, onPull }: Observer<R>) =>
  Effect.gen(function* () {
    const cron = yield* cronConfig
    yield* CustomerCopy.sync(onProgress).pipe(
      Effect.flatMap(onPull),
      // What may be over by the next time is waited out. A wrong secret is not: the worker ends with exit code 1.
      Effect.catchIf(ErpNetError.isTransient, (error) => Effect.logWarning(`pulling again later: ${String(error)}`)),
      // The next time is looked for when a pull is over, so two never run at once.
      Effect.repeat(Schedule.cron(cron))
    )
  })

// --- the demo ---

/** Sends the signal of a supervisor, which interrupts the worker at any point. */
const terminate = Effect.zipRight(
  line(`${yellow("SIGTERM")} in the middle of a pull`),
  Effect.async<void>((resume) => {
    process.once("SIGTERM", () => resume(Effect.void))
    process.kill(process.pid, "SIGTERM")
  })
)

const demo = Effect.gen(function* () {
  let pulls = 0
  yield* worker({
    onProgress: (progress) =>
      Effect.zipRight(progressBar("pull")(progress), pulls === 2 && progress.pulled > 0 ? terminate : Effect.void),
    onPull: (result) => {
      pulls += 1
      return Effect.zipRight(summary(result), changeSome(pulls === 1 ? 3 : 3000))
    }
  })
}).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["WORKER_CRON", "* * * * * *"]]))))

const [, , named] = process.argv

const program: Effect.Effect<unknown, unknown> = Embedded.hasSettings
  ? worker({ onProgress: () => Effect.void, onPull: summary }).pipe(
      Effect.provide(CustomerCopy.layer(named ?? "customers.sqlite")),
      Effect.provide(ErpNet.layerConfig()),
      Effect.provide(NodeHttpClient.layerUndici)
    )
  : Effect.flatMap(named === undefined ? temporaryFile : Effect.succeed(named), (file) =>
      Effect.provide(demo, Layer.merge(CustomerCopy.layer(file), Embedded.layer({ customers: 3000 })))
    ).pipe(Effect.scoped)

// Around the layers: by then the token is dropped, and the connections and the file are closed.
run(
  Effect.onInterrupt(Effect.asVoid(program), () =>
    line(`${yellow("stopped")} in good order; the next start goes on from here`)
  )
)
