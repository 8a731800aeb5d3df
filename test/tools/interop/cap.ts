/**
 * The reading part against SAP CAP, an OData v4 server that shares no code and no author with this library. It differs
 * from ERP.net: next links are relative, error bodies have other codes, decimals are strings, filters compare moments
 * and not days.
 *
 *   npm run interop      (INTEROP_FOLDER=... keeps the installation for the next time)
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert"
import { HttpClient, HttpClientRequest } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { BigDecimal, Cause, Chunk, Console, Effect, Exit, Layer, Option, Redacted, Ref, Schema, Stream } from "effect"
import {
  AuthorizedClient,
  ComplexType,
  DomainApi,
  EntitySet,
  ErpNet,
  Filter,
  Instance,
  TokenProvider,
  TrustedApplication
} from "effect-erpnet"
import * as IncrementalPull from "effect-erpnet/IncrementalPull"
import * as Cap from "./capServer.ts"

const set = "Crm_Sales_Customers"

const Customers = EntitySet.make(
  set,
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.String,
    Name: Schema.String,
    Active: Schema.Boolean,
    AggregateLastUpdateTimeUtc: Schema.NullOr(IncrementalPull.Timestamp)
  })
)

const Groups = Schema.Struct({ Code: Schema.String })
const WithLinks = EntitySet.make(
  set,
  Schema.Struct({
    Id: Schema.UUID,
    Group: Schema.NullOr(EntitySet.expand(Groups)),
    Contacts: EntitySet.children(Schema.Struct({ Id: Schema.UUID, Email: Schema.String }))
  })
)

const Exact = EntitySet.make(
  set,
  Schema.Struct({ Id: Schema.UUID, CreditLimit: ComplexType.Decimal, ObjectVersion: ComplexType.Int64 })
)

const Misspelt = EntitySet.make(set, Schema.Struct({ Id: Schema.UUID, Nmae: Schema.String }))

const expectedNumbers = Array.from({ length: Cap.customers }, (_, n) => String(n).padStart(6, "0"))
const numbers = (rows: Iterable<{ readonly Number: string }>) => [...rows].map((row) => row.Number)

/** Every URL requested, as it left. */
const sent: Array<string> = []
const recording = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(HttpClient.HttpClient, (client) =>
    HttpClient.mapRequest(client, (request) => {
      sent.push(request.url)
      return request
    })
  )
).pipe(Layer.provide(NodeHttpClient.layerUndici))

const control = (path: string) =>
  Effect.gen(function* () {
    const { instance } = yield* TokenProvider.TokenProvider
    const client = yield* HttpClient.HttpClient
    const response = yield* client.execute(HttpClientRequest.post(`${instance.origin}/interop/${path}`))
    return yield* response.json
  })

/** How many rows a filter finds, and that it finds those that the same test picks here. */
const filtered = (
  filter: Filter.Filter<
    Filter.Fields<EntitySet.Type<typeof Customers>, Schema.Schema.Encoded<typeof Customers.schema>>
  >,
  holds: (n: number) => boolean
) =>
  Effect.gen(function* () {
    const rows = yield* Stream.runCollect(DomainApi.stream(Customers, { filter }))
    deepStrictEqual(
      numbers(rows),
      expectedNumbers.filter((_, n) => holds(n))
    )
    strictEqual(yield* DomainApi.count(Customers, { filter }), rows.length)
  })

const checks: ReadonlyArray<
  readonly [name: string, check: Effect.Effect<void, unknown, ErpNet.Services | HttpClient.HttpClient>]
> = [
  [
    "a page: $select, $top, $skip, $orderby",
    Effect.gen(function* () {
      const rows = yield* DomainApi.list(Customers, { top: 3, skip: 1, orderBy: [["Number", "desc"]] })
      deepStrictEqual(numbers(rows), expectedNumbers.slice(-4, -1).reverse())
      ok(sent.at(-1)?.includes("$select=Id,Number,Name,Active,AggregateLastUpdateTimeUtc"))
    })
  ],
  [
    "all pages over relative next links, complete and in order",
    Effect.gen(function* () {
      const before = sent.length
      deepStrictEqual(numbers(yield* Stream.runCollect(DomainApi.stream(Customers))), expectedNumbers)
      strictEqual(sent.length - before, 3)
      ok(sent.slice(before + 1).every((url) => url.includes("skiptoken")))
    })
  ],
  [
    "take(150) makes two requests",
    Effect.gen(function* () {
      const before = sent.length
      const rows = yield* Stream.runCollect(Stream.take(DomainApi.stream(Customers), 150))
      strictEqual(rows.length, 150)
      strictEqual(sent.length - before, 2)
    })
  ],
  ["filter: eq boolean, across pages", filtered(Filter.eq("Active", true), (n) => n % 2 === 0)],
  ["filter: eq guid", filtered(Filter.eq("Id", Cap.guid("customer", 12)), (n) => n === 12)],
  ["filter: in", filtered(Filter.in("Number", ["000004", "000008"]), (n) => n === 4 || n === 8)],
  [
    "filter: in guids",
    filtered(
      Filter.in(
        "Id",
        [4, 8].map((n) => Cap.guid("customer", n))
      ),
      (n) => n === 4 || n === 8
    )
  ],
  [
    "filter: quotes, ampersand, hash, percent, letters outside ASCII",
    filtered(Filter.eq("Name", "O'Neil & Söhne #17 100%"), (n) => n === 17)
  ],
  [
    "filter: contains, startswith, endswith",
    filtered(
      Filter.and(Filter.contains("Name", "l & S"), Filter.startsWith("Number", "0001"), Filter.endsWith("Number", "9")),
      (n) => n >= 100 && n < 200 && n % 10 === 9
    )
  ],
  [
    "filter: ge and le of times",
    filtered(
      Filter.and(
        Filter.ge("AggregateLastUpdateTimeUtc", Filter.date(new Date(Cap.firstChange + 100 * 60_000).toISOString())),
        Filter.le("AggregateLastUpdateTimeUtc", Filter.date(new Date(Cap.firstChange + 110 * 60_000).toISOString()))
      ),
      (n) => n >= 100 && n <= 110
    )
  ],
  [
    "filter: text cannot leave its literal",
    filtered(Filter.eq("Name", "x' or Active eq true or 'a' eq 'a"), () => false)
  ],
  [
    "search",
    Effect.gen(function* () {
      deepStrictEqual(numbers(yield* DomainApi.list(Customers, { search: "000123" })), ["000123"])
    })
  ],
  [
    "count",
    Effect.gen(function* () {
      strictEqual(yield* DomainApi.count(Customers), Cap.customers)
    })
  ],
  [
    "expand: a reference, a missing reference, children",
    Effect.gen(function* () {
      const filter = Filter.in(
        "Id",
        [3, 5].map((n) => Cap.guid("customer", n))
      )
      const [none, some] = yield* DomainApi.list(WithLinks, { filter, orderBy: ["Id"] })
      strictEqual(none?.Group, null)
      deepStrictEqual(none?.Contacts, [])
      strictEqual(some?.Group?.Code, "G1")
      deepStrictEqual(
        some?.Contacts.map((contact) => contact.Email).sort(),
        ["0", "1", "2"].map((n) => `${n}@example.com`)
      )
    })
  ],
  [
    "get and find",
    Effect.gen(function* () {
      strictEqual((yield* DomainApi.get(Customers, Cap.guid("customer", 42))).Number, "000042")
      ok(Option.isNone(yield* DomainApi.find(Customers, Cap.guid("customer", 4242))))
    })
  ],
  [
    "error: no such row is NotFound",
    Effect.gen(function* () {
      const error = yield* Effect.flip(DomainApi.get(Customers, Cap.guid("customer", 4242)))
      strictEqual(error._tag, "NotFound")
    })
  ],
  [
    "error: no such field is ServerError 400 with the server's text",
    Effect.gen(function* () {
      const error = yield* Effect.flip(DomainApi.list(Misspelt))
      ok(error._tag === "ServerError")
      strictEqual(error.status, 400)
      strictEqual(error.code, 400)
      ok(error.message.includes("Nmae"), error.message)
    })
  ],
  [
    "error: no such entity set is NotFound",
    Effect.gen(function* () {
      const error = yield* Effect.flip(DomainApi.list(EntitySet.make("Nothing", Schema.Struct({ Id: Schema.UUID }))))
      strictEqual(error._tag, "NotFound")
    })
  ],
  [
    "decimals and 64-bit integers as strings keep every digit",
    Effect.gen(function* () {
      const row = yield* DomainApi.get(Exact, Cap.guid("customer", 7))
      strictEqual(BigDecimal.format(row.CreditLimit), "1234567890123.45")
      strictEqual(row.ObjectVersion, 9007199254740993n)
    })
  ],
  [
    "a token revoked between two pages costs one renewal and no row",
    Effect.gen(function* () {
      const before = sent.length
      const rows = yield* DomainApi.stream(Customers).pipe(
        Stream.tap((row) => (row.Number === "000010" ? control("revoke") : Effect.void)),
        Stream.runCollect
      )
      deepStrictEqual(numbers(rows), expectedNumbers)
      strictEqual(sent.slice(before).filter((url) => url.endsWith("/id/connect/token")).length, 1)
    })
  ],
  [
    "AuthorizedClient reads what is not modelled: $metadata",
    Effect.gen(function* () {
      const client = yield* AuthorizedClient.AuthorizedClient
      const response = yield* client.get("$metadata")
      ok((yield* response.text).includes('EntitySet Name="Crm_Sales_Customers"'))
    })
  ],
  [
    "IncrementalPull: everything, then nothing, then the one that has changed",
    Effect.gen(function* () {
      const rows = new Map<string, EntitySet.Type<typeof Customers>>()
      const watermark = yield* Ref.make<IncrementalPull.Timestamp | undefined>(undefined)
      const pull = IncrementalPull.run(Customers, {
        watermark: { load: Ref.get(watermark), save: (time) => Ref.set(watermark, time) },
        lastApplied: (ids) =>
          Effect.sync(() => {
            const known = ids.flatMap((id) => rows.get(id) ?? [])
            return new Map(known.map((row) => [row.Id, row.AggregateLastUpdateTimeUtc] as const))
          }),
        apply: (chunk) => Effect.sync(() => Chunk.forEach(chunk, (row) => rows.set(row.Id, row)))
      })
      const first = yield* pull
      deepStrictEqual([first.mode, first.pulled, first.applied], ["full", Cap.customers, Cap.customers])
      const second = yield* pull
      deepStrictEqual([second.mode, second.pulled, second.applied], ["incremental", 6, 0])
      const at = new Date(Cap.firstChange + 86_400_000).toISOString()
      yield* control(`touch/${Cap.guid("customer", 20)}?at=${at}`)
      const third = yield* pull
      strictEqual(third.applied, 1)
      strictEqual(rows.get(Cap.guid("customer", 20))?.Number, "X")
      strictEqual(new Date(third.watermark ?? 0).toISOString(), at)
    })
  ],
  [
    "a wrong secret is InvalidClient",
    Effect.gen(function* () {
      const { instance } = yield* TokenProvider.TokenProvider
      const credentials = yield* TrustedApplication.make({
        clientId: Cap.clientId,
        clientSecret: Redacted.make("wrong")
      })
      const error = yield* Effect.flip(
        DomainApi.count(Customers).pipe(Effect.provide(ErpNet.layer({ instance, credentials })))
      )
      strictEqual(error._tag, "InvalidClient")
    })
  ],
  [
    "a reference token: accepted, and Unauthorized when revoked",
    Effect.gen(function* () {
      const { get, instance } = yield* TokenProvider.TokenProvider
      const { value: token } = yield* get
      const api = Layer.provide(DomainApi.layer(), TokenProvider.layerReferenceToken({ instance, token }))
      yield* Effect.gen(function* () {
        strictEqual(yield* DomainApi.count(Customers), Cap.customers)
        yield* control("revoke")
        strictEqual((yield* Effect.flip(DomainApi.count(Customers)))._tag, "Unauthorized")
      }).pipe(Effect.provide(api))
    })
  ]
]

const program = Effect.gen(function* () {
  const origin = yield* Cap.start
  const instance = yield* Instance.make(origin)
  const credentials = yield* TrustedApplication.make({
    clientId: Cap.clientId,
    clientSecret: Redacted.make(Cap.clientSecret),
    scope: "read"
  })
  yield* Console.log(`SAP CAP listens on ${origin}`)
  yield* Effect.gen(function* () {
    let failed = 0
    for (const [name, check] of checks) {
      const exit = yield* Effect.exit(check)
      if (Exit.isSuccess(exit)) {
        yield* Console.log(`  ok      ${name}`)
      } else {
        failed += 1
        yield* Console.log(`  FAILED  ${name}\n${Cause.pretty(exit.cause)}`)
      }
    }
    yield* Console.log(`${checks.length - failed} passed, ${failed} failed`)
    process.exitCode = failed === 0 ? 0 : 1
  }).pipe(Effect.provide(Layer.provideMerge(ErpNet.layer({ instance, credentials }), recording)))
}).pipe(Effect.scoped)

await Effect.runPromise(program)
