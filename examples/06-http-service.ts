/**
 * How do I serve data of ERP.net over HTTP, and see one request from end to end? An HttpApi service whose clients get
 * the errors of ERP.net as statuses, with OpenTelemetry traces.
 *
 * It calls itself on an embedded instance, prints what it got, and stops. With `--listen` it stays up until Ctrl-C, and
 * serves the instance of ERPNET_INSTANCE, ERPNET_CLIENT_ID and ERPNET_CLIENT_SECRET where these are set.
 *
 *   npm run service [-- --listen]
 */
import { createServer } from "node:http"
import { NodeSdk } from "@effect/opentelemetry"
import { HttpApiBuilder, HttpApiClient, HttpApp, HttpClient, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Duration, Effect, Layer, Option, Schema } from "effect"
import { ComplexType, DomainApi, EntitySet, Filter } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as Embedded from "./support/embedded.ts"
import { Customer, CustomerNotFound, ErpBusy, ErpFailed, ShopApi } from "./support/shopApi.ts"
import { spanTree } from "./support/spanTree.ts"
import { heading, line, run } from "./support/terminal.ts"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    Active: Schema.Boolean,
    Party: EntitySet.expand(Schema.Struct({ PartyName: ComplexType.MultilanguageString }))
  })
)

const toCustomer = (row: EntitySet.Type<typeof Customers>) =>
  new Customer({ id: row.Id, number: row.Number, name: ComplexType.getText(row.Party.PartyName, "EN") ?? null })

const busy = (retryAfter: Duration.Duration = Duration.seconds(30)) =>
  new ErpBusy({ retryAfterSeconds: Math.ceil(Duration.toSeconds(retryAfter)) })

/** The whole error goes to the log of the service; its client gets a status, and the time to wait. */
const forClients = <A, R>(
  effect: Effect.Effect<A, DomainApi.DomainApiError, R>
): Effect.Effect<A, ErpBusy | ErpFailed, R> =>
  effect.pipe(
    Effect.tapError((error) => Effect.logWarning(`${error._tag}: ${error.message}`)),
    Effect.mapError((error) =>
      error._tag === "RateLimited" || error._tag === "LicenseUnavailable" ? busy(error.retryAfter) : new ErpFailed()
    ),
    // The library waits up to two minutes for a free licence; a web client does not.
    Effect.timeoutFail({ duration: "15 seconds", onTimeout: () => busy() }),
    Effect.tapErrorTag("ErpBusy", ({ retryAfterSeconds }) =>
      HttpApp.appendPreResponseHandler((_, response) =>
        Effect.succeed(HttpServerResponse.setHeader(response, "retry-after", String(retryAfterSeconds)))
      )
    )
  )

const CustomersLive = HttpApiBuilder.group(ShopApi, "customers", (handlers) =>
  handlers
    .handle("list", ({ urlParams: { active, top = 10 } }) =>
      DomainApi.list(Customers, {
        filter: active === undefined ? undefined : Filter.eq("Active", active),
        orderBy: ["Number"],
        top
      }).pipe(
        Effect.map((rows) => rows.map(toCustomer)),
        forClients
      )
    )
    .handle("get", ({ path: { id } }) =>
      Effect.flatMap(
        forClients(DomainApi.find(Customers, id)),
        Option.match({ onNone: () => new CustomerNotFound({ id }), onSome: (row) => Effect.succeed(toCustomer(row)) })
      )
    )
)

const exporter = new InMemorySpanExporter()

// Below everything else: the token is fetched with the tracer that was there when its layer was built.
const TracingLive = NodeSdk.layer(() => ({
  resource: { serviceName: "shop" },
  // In production: new BatchSpanProcessor(new OTLPTraceExporter()).
  spanProcessor: new SimpleSpanProcessor(exporter)
}))

const ServiceLive = HttpApiBuilder.serve().pipe(
  Layer.provide(HttpApiBuilder.api(ShopApi)),
  Layer.provide(CustomersLive),
  HttpServer.withLogAddress,
  Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
)

const callItself = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  const baseUrl = yield* HttpServer.addressFormattedWith(Effect.succeed)
  const shop = yield* HttpApiClient.make(ShopApi, { baseUrl })

  yield* heading("1. What it serves")
  const customers = yield* shop.customers.list({ urlParams: { active: true, top: 3 } })
  for (const { name, number } of customers) yield* line(`${number} ${name}`)

  // The caller is traced as well, and sends its trace context to the service.
  yield* erp.revokeTokens
  yield* Effect.forEach(customers.slice(0, 1), ({ id }) => shop.customers.get({ path: { id } })).pipe(
    Effect.withSpan(traced)
  )

  yield* heading("2. What its clients are told of errors")
  const get = (path: string) =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get(`${baseUrl}${path}`)
      const retryAfter = response.headers["retry-after"] ?? "none"
      yield* line(`GET ${path} -> ${response.status}, Retry-After ${retryAfter}, ${yield* response.text}`)
    })
  yield* get("/customers/00000000-0000-0000-0000-000000000000")
  yield* erp.failNext("api", ErpNetEmulator.Fault.status(429, { headers: { "retry-after": "90" } }))
  yield* get("/customers")
  yield* erp.alwaysUnauthorized(true)
  yield* get("/customers")
})

const traced = "a caller"

const showTrace = Effect.gen(function* () {
  yield* heading("3. One request from end to end: its token had just been revoked")
  yield* Effect.forEach(spanTree(exporter.getFinishedSpans(), traced), line, { discard: true })
})

const demo = callItself.pipe(
  Effect.provide(ServiceLive),
  // The last span of a server ends when the server has closed.
  Effect.zipRight(showTrace),
  Effect.provide(Embedded.layer())
)

const listen = Effect.provide(Layer.launch(ServiceLive), Embedded.layerOrConfig)

const InfrastructureLive = Layer.merge(TracingLive, NodeHttpClient.layerUndici)

run(
  process.argv.includes("--listen")
    ? Effect.provide(listen, InfrastructureLive)
    : Effect.provide(demo, InfrastructureLive)
)
