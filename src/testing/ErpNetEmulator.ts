/**
 * An ERP.net instance inside the test or the demo: identity server, discovery and Domain API, in memory or on a
 * loopback port.
 *
 * **Details**
 *
 * It is an independent reading of the protocol and shares no code with the client. It reads and writes: objects with
 * their references and children, document states, API transactions with the front-end model, batches and imports.
 * Everything ERP.net's documentation leaves open is an option with a documented default. All time is that of the `Clock`, so in memory the hour of a
 * token passes under `TestClock`.
 *
 * @example
 * ```ts
 * import { HttpClient } from "@effect/platform"
 * import { Effect } from "effect"
 * import { ErpNetEmulator } from "effect-erpnet/testing"
 *
 * const program = Effect.gen(function* () {
 *   const erp = yield* ErpNetEmulator.ErpNetEmulator
 *   const response = yield* HttpClient.get(`${erp.origin}/tools/ver`)
 *   return yield* response.text // "26.2.0.76"
 * })
 *
 * Effect.runPromise(Effect.provide(program, ErpNetEmulator.layer()))
 * ```
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as ErpNet from "../ErpNet.ts"
import * as Instance from "../Instance.ts"
import * as Domain from "./engine/domain.ts"
import { readModelJson } from "./model/modelJson.ts"
import * as App from "./server/app.ts"
import * as Memory from "./server/memory.ts"
import * as Observe from "./server/observe.ts"
import * as Settings from "./server/options.ts"
import * as Socket from "./server/socket.ts"

export {
  type Application,
  demoApplication,
  demoCredentials,
  demoPublicApplication,
  demoSecret,
  demoWebApplication
} from "./identity/application.ts"
export type { Reuse } from "./identity/signIns.ts"
export type { IssuedToken } from "./identity/tokens.ts"
export { demoUser, type User } from "./identity/user.ts"
export type { AuthorizeOptions, Counters, Data, ReferenceTokenOptions, Service } from "./server/app.ts"
export { type EditableAnswer, type Encoding, type Endpoint, Fault, type FaultRequest } from "./server/fault.ts"
export type { JournalEntry } from "./server/journal.ts"
export type { ObservedRequest } from "./server/observe.ts"
export type { CorsOptions, IdentityOptions, Latency, Options, RateLimits } from "./server/options.ts"

/**
 * Controls and inspects the embedded instance.
 *
 * @category services
 * @since 0.1.0
 */
export class ErpNetEmulator extends Context.Tag("effect-erpnet/testing/ErpNetEmulator")<
  ErpNetEmulator,
  App.Service
>() {}

/**
 * Where the embedded instance listens, besides everything {@link Options} has.
 *
 * @category options
 * @since 0.1.0
 */
export interface ServeOptions extends Settings.Options {
  /**
   * The address to listen on. It has no other protection than not being reachable: leave it on loopback.
   *
   * @default "127.0.0.1"
   */
  readonly host?: string | undefined
  /**
   * The port; 0 chooses a free one, which `origin` then names.
   *
   * @default 0
   */
  readonly port?: number | undefined
  /**
   * Run after each request that was answered, or that was cut off before.
   *
   * @since 0.2.0
   */
  readonly onRequest?: ((request: Observe.ObservedRequest) => Effect.Effect<void>) | undefined
}

/**
 * The embedded instance cannot listen, most often because the port is taken.
 *
 * @category errors
 * @since 0.1.0
 */
export class ServeError extends Schema.TaggedError<ServeError>("effect-erpnet/testing/ErpNetEmulator/ServeError")(
  "ServeError",
  { host: Schema.String, port: Schema.Number, reason: Schema.String }
) {
  override get message(): string {
    return `The embedded instance cannot listen on ${this.host}:${this.port}: ${this.reason}. Port 0 chooses a free one.`
  }
}

const makeApp = (options: Settings.Options, input: string): Effect.Effect<App.App> =>
  Effect.map(Effect.orDie(Instance.make(input, { allowInsecure: true })), (instance) =>
    App.make(Settings.settings(options), instance, () => Domain.make(options))
  )

/**
 * An embedded instance in memory, and the `HttpClient` that reaches it and nothing else.
 *
 * **Details**
 *
 * A request runs in the fiber of its caller: interruption, `TestClock` and fiber refs work as with a transport of
 * one's own. Requests for other hosts fail like an unknown host and appear in the journal. Redirects are handed back.
 * An unusable `name` is a defect.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Settings.Options = {}): Layer.Layer<ErpNetEmulator | HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.map(makeApp(options, options.name ?? "testdb"), (app) =>
      Context.make(ErpNetEmulator, app.service).pipe(Context.add(HttpClient.HttpClient, Memory.make(app)))
    )
  )

/**
 * What {@link layerClient} takes: the options of the instance, and those of the client in front of it.
 *
 * @category options
 * @since 0.2.0
 */
export interface ClientOptions extends Settings.Options {
  /** Who asks for the token; by default the first application of the instance that has a secret. */
  readonly credentials?: ErpNet.Options["credentials"] | undefined
  /** How the services of the client behave. */
  readonly client?: ErpNet.ServiceOptions | undefined
}

/**
 * An embedded instance in memory and a client of it, for the tests of a program: nothing else has to be provided.
 *
 * **Details**
 *
 * Each use of the layer is an instance of its own. It costs next to nothing after the first one: what is invented is
 * shared, and changes stay in their instance. An unusable `name` is a defect.
 *
 * @example
 * ```ts
 * import { DomainApi, EntitySet } from "effect-erpnet"
 * import { ErpNetEmulator } from "effect-erpnet/testing"
 * import { Effect, Schema } from "effect"
 *
 * const Lots = EntitySet.make("Logistics_Inventory_Lots", Schema.Struct({ Number: Schema.String }))
 *
 * const test = DomainApi.list(Lots, { top: 3 }).pipe(
 *   Effect.provide(ErpNetEmulator.layerClient({ rows: { Logistics_Inventory_Lots: [{ Number: "L1" }] } }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerClient = (
  options: ClientOptions = {}
): Layer.Layer<ErpNet.Services | ErpNetEmulator | HttpClient.HttpClient> =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator, ({ credentials, instance }) =>
      ErpNet.layer({ ...options.client, instance, credentials: options.credentials ?? credentials })
    )
  ).pipe(Layer.orDie, Layer.provideMerge(layer(options)))

/**
 * The JSON of a model is not what `currentmodel?details=true` answers.
 *
 * @category errors
 * @since 0.2.0
 */
export class ModelInvalid extends Schema.TaggedError<ModelInvalid>("effect-erpnet/testing/ErpNetEmulator/ModelInvalid")(
  "ModelInvalid",
  { reason: Schema.String }
) {
  override get message(): string {
    return `This is not the JSON of currentmodel?details=true: ${this.reason}`
  }
}

/**
 * Reads the text of a model, as `currentmodel?details=true` answers it, for the option `model`.
 *
 * @category constructors
 * @since 0.2.0
 */
export const decodeModel = (text: string): Effect.Effect<ReadonlyArray<unknown>, ModelInvalid> =>
  Effect.gen(function* () {
    const json: unknown = yield* Effect.try({
      // Windows tools write a byte order mark
      try: () => JSON.parse(text.replace(/^\uFEFF/, "")),
      catch: (fault) => new ModelInvalid({ reason: fault instanceof Error ? fault.message : String(fault) })
    })
    yield* Effect.mapError(readModelJson(json), (reason) => new ModelInvalid({ reason }))
    return Array.isArray(json) ? json : []
  })

/**
 * The same embedded instance on a loopback port, for demos, browsers and other languages. It stops with the scope and
 * closes the sockets still open.
 *
 * @category layers
 * @since 0.1.0
 */
export const serve = (options: ServeOptions = {}): Layer.Layer<ErpNetEmulator, ServeError> => {
  const { host = "127.0.0.1", onRequest, port = 0 } = options
  return Layer.scoped(
    ErpNetEmulator,
    Socket.serve(host, port, (origin) => Effect.map(makeApp(options, origin), Observe.observed(onRequest))).pipe(
      Effect.map((app) => app.service),
      Effect.mapError((error) => new ServeError({ host, port, reason: error.message }))
    )
  )
}
