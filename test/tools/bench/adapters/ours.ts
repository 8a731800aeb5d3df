/** effect-erpnet: the AuthorizedClient for calls, DomainApi.stream for rows. */
import type { HttpClient } from "@effect/platform"
import { Chunk, Context, Effect, Layer, ManagedRuntime, Redacted, Schema, Scope, Stream } from "effect"
import {
  AuthorizedClient,
  DomainApi,
  EntitySet,
  ErpNet,
  Instance,
  TokenProvider,
  TrustedApplication
} from "effect-erpnet"
import type { MakeAdapter } from "../adapter.ts"
import { callPath, idsOf, lookupSet, pageSize, rowsSet } from "../protocol.ts"
import { effectCalls, jsonOf, repeated } from "./effectCalls.ts"

const Rows = EntitySet.make(
  rowsSet,
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.String,
    Name: Schema.String,
    Active: Schema.Boolean,
    City: Schema.NullOr(Schema.String),
    Street: Schema.String,
    PostalCode: Schema.String,
    CountryCode: Schema.String,
    Email: Schema.String,
    Phone: Schema.String,
    CreditLimit: Schema.Number,
    DueDays: Schema.Number,
    Discount: Schema.Number,
    CreatedOn: Schema.String,
    Notes: Schema.NullOr(Schema.String)
  })
)

const Parties = EntitySet.make(
  lookupSet,
  Schema.Struct({ Id: Schema.UUID, Number: Schema.String, Name: Schema.String })
)

const Customers = EntitySet.make("Bench_Customers", Schema.Struct({ Id: Schema.UUID, Number: Schema.String }))

const applicationOf = (clientId: string) =>
  TrustedApplication.make({ clientId, clientSecret: Redacted.make("secret"), scope: "read" })

/** `through` is the service that a call goes through: the authorized client, or the Domain API with its limits. */
export const makeOn =
  (transport: Layer.Layer<HttpClient.HttpClient>, through: "client" | "domain" = "client"): MakeAdapter =>
  async (target) => {
    const layer = Layer.unwrapEffect(
      Effect.map(applicationOf("bench"), (credentials) =>
        ErpNet.layer({
          instance: target.origin,
          credentials,
          // The limits of a real session would be what is measured.
          requestsPerMinute: Number.POSITIVE_INFINITY,
          maxConcurrent: 1000,
          ...(target.shortTokens ? { expiryLeeway: "500 millis", refreshAhead: "1 second" } : {})
        })
      )
    )
    const runtime = ManagedRuntime.make(Layer.provideMerge(layer, transport))
    const services = await runtime.runtime()
    const call =
      through === "domain"
        ? Effect.provide(DomainApi.list(Customers, { top: 1 }), services)
        : (await runtime.runPromise(AuthorizedClient.AuthorizedClient)).get(callPath).pipe(Effect.flatMap(jsonOf))
    let calls: Effect.Effect<unknown, unknown> = call
    return {
      call: () => runtime.runPromise(Effect.asVoid(calls)),
      calls: (count, concurrency) => runtime.runPromise(effectCalls(calls, count, concurrency)),
      cachedToken: (count) =>
        runtime.runPromise(Effect.flatMap(TokenProvider.TokenProvider, (tokens) => repeated(tokens.get, count))),
      rows: (consumer, pause) => {
        const rows = DomainApi.stream(Rows, { pageSize })
        const counts =
          consumer === "batches"
            ? Stream.mapEffect(Stream.grouped(rows, pageSize), (batch) => Effect.as(Effect.sleep(pause), batch.length))
            : Stream.mapChunks(rows, (chunk) => Chunk.of(chunk.length))
        const consumed =
          consumer === "rows" ? Stream.tap(counts, (count) => Effect.sleep((pause * count) / pageSize)) : counts
        return runtime.runPromise(Stream.runSum(consumed))
      },
      lookups: (count, way) =>
        runtime.runPromise(
          Effect.map(
            Effect.forEach(idsOf(count), (id) => DomainApi.get(Parties, id, { coalesce: way === "together" }), {
              concurrency: way === "one by one" ? 1 : "unbounded"
            }),
            (rows) => rows.length
          )
        ),
      tenants: async (count) => {
        const scope = await runtime.runPromise(Scope.make())
        const clients = await runtime.runPromise(
          Effect.forEach(
            Array.from({ length: count }, (_, index) => index),
            (index) =>
              Effect.gen(function* () {
                const provider = Layer.scoped(
                  TokenProvider.TokenProvider,
                  TokenProvider.make({
                    instance: yield* Instance.make(target.origin),
                    credentials: yield* applicationOf(`tenant-${index}`)
                  })
                )
                const context = yield* Layer.buildWithScope(Layer.provide(AuthorizedClient.layer(), provider), scope)
                return Context.get(context, AuthorizedClient.AuthorizedClient)
              })
          )
        )
        let next = 0
        calls = Effect.suspend(() => {
          const client = clients[next % clients.length]!
          next += 1
          return client.get(callPath)
        }).pipe(Effect.flatMap(jsonOf))
      }
    }
  }
