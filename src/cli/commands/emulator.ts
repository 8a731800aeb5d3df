/** `effect-erpnet emulator`: the embedded instance on a loopback port. */

import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ObservedRequest, ServeError } from "../../testing/ErpNetEmulator.ts"
import { dim, red } from "../output.ts"

export interface EmulatorOptions {
  readonly port: number
  readonly host: string
  readonly customers?: number | undefined
  readonly seed?: number | undefined
  readonly quiet?: boolean | undefined
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127(?:\.\d+){3}$/.test(host)

const requestLine = ({ at, method, milliseconds, path, status, who }: ObservedRequest): string => {
  const time = new Date(at).toISOString().slice(11, 23)
  const code = status === undefined ? red("cut") : status >= 400 ? red(String(status)) : String(status)
  return `${dim(time)} ${method.padEnd(6)} ${path} ${code} ${milliseconds} ms ${dim(who ?? "-")}`
}

const printSettings = (origin: string, clientId: string, secret: string) =>
  Console.log(
    [
      `# Embedded ERP.net instance with invented demo data and public demo credentials; Ctrl-C stops it.`,
      `export ERPNET_INSTANCE=${origin}`,
      `export ERPNET_CLIENT_ID=${clientId}`,
      `export ERPNET_CLIENT_SECRET=${secret}`,
      `export ERPNET_SCOPE="read update"`
    ].join("\n")
  )

/** Serves the embedded instance until it is interrupted. */
export const emulator = ({
  customers,
  host,
  port,
  quiet = false,
  seed
}: EmulatorOptions): Effect.Effect<void, ServeError> =>
  Effect.gen(function* () {
    // Its data takes time to load, which the other commands need not spend.
    const { ErpNetEmulator, demoApplication, demoSecret, serve } = yield* Effect.promise(
      () => import("../../testing/ErpNetEmulator.ts")
    )
    const onRequest = quiet ? undefined : (request: ObservedRequest) => Console.error(requestLine(request))
    const console = yield* Effect.consoleWith(Effect.succeed)
    const tell = onRequest && ((request: ObservedRequest) => Console.withConsole(onRequest(request), console))
    yield* Effect.gen(function* () {
      const { origin } = yield* ErpNetEmulator
      yield* printSettings(origin, demoApplication.applicationUri, Redacted.value(demoSecret))
      yield* Console.error(`Listening on ${origin}.`)
      yield* Console.error("Give these settings to the other commands, in the environment or with --settings.")
      if (!isLoopback(host)) {
        yield* Console.error(`${red("Everybody")} who reaches ${host} can read and change this data.`)
      }
      yield* Effect.never
    }).pipe(Effect.provide(serve({ port, host, customers, seed, onRequest: tell })))
  })
