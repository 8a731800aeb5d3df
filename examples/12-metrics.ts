/**
 * How do I watch the tokens of my service? Its metrics go to Prometheus through OpenTelemetry: some traffic with
 * renewals and refusals, then what a scrape of `/metrics` gives.
 *
 * What this way changes: counters get `_total`; the timer keeps its name without a unit, which stands in the label
 * `time_unit`; each sample gets the label `otel_scope_name`; the minimum and maximum of the timer are not in the text.
 *
 *   npm run metrics
 */
import { createServer } from "node:http"
import { Metrics, Resource } from "@effect/opentelemetry"
import { HttpClient, HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus"
import { MetricReader } from "@opentelemetry/sdk-metrics"
import { Effect, Layer, Redacted, Schema } from "effect"
import { DomainApi, EntitySet, TokenProvider } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as Embedded from "./support/embedded.ts"
import { heading, line, run } from "./support/terminal.ts"

const Customers = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ Id: Schema.UUID }))

/** Collects when it is asked. The service has a server already, which `PrometheusExporter` would open once more. */
class ScrapeReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
}

const reader = new ScrapeReader()
const serializer = new PrometheusSerializer()

const MetricsLive = Layer.provide(
  Metrics.layer(() => reader),
  Resource.layer({ serviceName: "shop" })
)

const ServerLive = HttpRouter.empty.pipe(
  HttpRouter.get(
    "/metrics",
    Effect.map(
      Effect.promise(() => reader.collect()),
      ({ resourceMetrics }) =>
        HttpServerResponse.text(serializer.serialize(resourceMetrics), { contentType: "text/plain; version=0.0.4" })
    )
  ),
  HttpServer.serve(),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
)

const traffic = Effect.gen(function* () {
  const erp = yield* ErpNetEmulator.ErpNetEmulator
  const tokens = yield* TokenProvider.TokenProvider
  const read = DomainApi.list(Customers, { top: 1 })
  yield* heading("1. Traffic")
  yield* read
  yield* line("a first token")
  yield* erp.revokeTokens
  yield* read
  yield* line("revoked: a 401, and a renewal by cause unauthorized")
  yield* erp.rotateSecret(ErpNetEmulator.demoApplication.applicationUri, Redacted.make("another secret"))
  yield* tokens
    .renew(yield* tokens.get)
    .pipe(Effect.catchTag("InvalidClient", ({ _tag }) => line(`a wrong secret: ${_tag}`)))
})

const scrape = Effect.gen(function* () {
  yield* heading("2. GET /metrics")
  const address = yield* HttpServer.addressFormattedWith(Effect.succeed)
  const response = yield* HttpClient.get(`${address}/metrics`)
  const lines = (yield* response.text).split("\n")
  yield* Effect.forEach(
    lines.filter((text) => text.includes("erpnet_")),
    line,
    { discard: true }
  )
})

run(
  Effect.zipRight(traffic, scrape).pipe(
    // No minimum age here, only so that the demo can refuse two tokens within a second.
    Effect.provide(Embedded.layer({}, { minimumTokenAge: 0 })),
    Effect.provide(Layer.mergeAll(ServerLive, MetricsLive, NodeHttpClient.layerUndici))
  )
)
