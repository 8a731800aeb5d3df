import { HttpClient, HttpClientError, type HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Duration, Effect, Fiber, Layer, Option, Schema, TestClock } from "effect"
import { ComplexType, DomainApi, EntitySet, ErpNet, ErpNetError, Filter, Operation } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { type Answer, apiJournal, failureOf, fakeDomain, id, type Reply, turn } from "../support/domain.ts"
import { application, instance } from "../support/fixtures.ts"

const { Fault } = ErpNetEmulator

const ref = (entitySet: string, n: number) => Option.getOrThrow(ComplexType.makeEntityId(entitySet, id(n)))

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Number: Schema.NullOr(Schema.String),
    Party: ComplexType.Reference,
    GracePeriodDays: Schema.NullOr(Schema.Number),
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    ObjectVersion: Schema.Number
  })
)

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    DocumentNo: Schema.String,
    Customer: ComplexType.Reference,
    DocumentType: EntitySet.expand(Schema.Struct({ Code: Schema.String })),
    Lines: EntitySet.children(
      Schema.Struct({
        Product: ComplexType.Reference,
        Quantity: ComplexType.Quantity,
        LineNo: Schema.Number
      })
    )
  })
)

// --- a server that the test writes ----------------------------------------------------------------------------------

interface Sent {
  readonly method: string
  /** Below the service root, with the query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

const textOf = ({ body }: HttpClientRequest.HttpClientRequest): string | undefined =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : undefined

/** A server that answers what the test says, and every request that reached it as it was sent. */
const recording = (handler: (index: number) => Answer, options: ErpNet.ServiceOptions = {}) => {
  const fake = fakeDomain((_, index) => handler(index))
  const sent: Array<Sent> = []
  const http = Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.tapRequest((request) =>
        Effect.sync(() => {
          if (!request.url.startsWith(instance.odata)) return
          const url = request.url.slice(instance.odata.length)
          sent.push({ method: request.method, url, headers: request.headers, body: textOf(request) })
        })
      )
    )
  ).pipe(Layer.provide(fake.http))
  const layer = Layer.provide(Layer.orDie(ErpNet.layer({ ...options, instance, credentials: application })), http)
  return { sent, layer, exchanges: fake.exchanges }
}

const created: Reply = { status: 201, body: JSON.stringify({ "@odata.id": `Crm_Sales_Customers(${id(1)})` }) }

/** What a write sends. */
const sending = <A, E>(write: Effect.Effect<A, E, DomainApi.DomainApi>, reply: Reply = created) => {
  const server = recording(() => reply)
  return Effect.map(Effect.provide(write, server.layer), (value) => {
    assert.lengthOf(server.sent, 1)
    const [only] = server.sent
    assert(only !== undefined)
    return { ...only, value }
  })
}

describe("what is sent", () => {
  it.effect("create: the annotations first, then the fields in their order, references as links", () =>
    Effect.gen(function* () {
      const { body, headers, method, url, value } = yield* sending(
        DomainApi.create(Orders, {
          Lines: [
            { LineNo: 10, Quantity: { Value: BigDecimal.unsafeFromString("3"), Unit: "PCS" }, Product: ref("P", 2) },
            { "@erpnet.action": "merge", LineNo: 20 }
          ],
          Customer: ref("Crm_Sales_Customers", 3),
          DocumentType: { Code: "SO" },
          DocumentNo: '1\u2028„é“"',
          "@erpnet.findBy": { ExternalId: "x" },
          "@odata.type": "Erp.Crm_Sales_SalesOrder"
        })
      )
      assert.strictEqual(
        body,
        '{"@odata.type":"Erp.Crm_Sales_SalesOrder","@erpnet.findBy":{"ExternalId":"x"},' +
          `"Lines":[{"LineNo":10,"Quantity":{"Value":3,"Unit":"PCS"},"Product":{"@odata.id":"P(${id(2)})"}},` +
          '{"@erpnet.action":"merge","LineNo":20}],' +
          `"Customer":{"@odata.id":"Crm_Sales_Customers(${id(3)})"},` +
          '"DocumentType":{"Code":"SO"},"DocumentNo":"1\u2028„é“\\""}'
      )
      assert.deepStrictEqual([method, url], ["POST", "Crm_Sales_SalesOrders"])
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(headers["accept"], "application/json")
      assert.strictEqual(ComplexType.formatEntityId(value), `Crm_Sales_Customers(${id(1)})`)
    })
  )

  it.effect("create: a reference by @odata.bind, an expanded one as a link, null where it is cleared", () =>
    Effect.gen(function* () {
      const { body } = yield* sending(
        DomainApi.create(Orders, {
          "Customer@odata.bind": ref("Crm_Sales_Customers", 3),
          DocumentType: ref("Systems_Documents_DocumentTypes", 4),
          Lines: []
        })
      )
      assert.strictEqual(
        body,
        `{"Customer@odata.bind":"Crm_Sales_Customers(${id(3)})",` +
          `"DocumentType":{"@odata.id":"Systems_Documents_DocumentTypes(${id(4)})"},"Lines":[]}`
      )
      const cleared = yield* sending(DomainApi.update(Customers, id(1), { Number: null, CreditLimit: undefined }))
      assert.strictEqual(cleared.body, '{"Number":null}')
    })
  )

  it.effect("amounts of 18 digits and 64-bit integers exactly, as JSON numbers without an exponent", () =>
    Effect.gen(function* () {
      const Exact = EntitySet.make(
        "Exact",
        Schema.Struct({ Amount: ComplexType.Amount, Big: ComplexType.Int64, Small: Schema.NullOr(ComplexType.Decimal) })
      )
      const { body } = yield* sending(
        DomainApi.create(Exact, {
          Amount: { Value: BigDecimal.unsafeFromString("123456789012345.678"), Currency: "EUR" },
          Big: 9223372036854775807n,
          Small: BigDecimal.unsafeFromString("0.000000000001")
        })
      )
      assert.strictEqual(
        body,
        '{"Amount":{"Value":123456789012345.678,"Currency":"EUR"},"Big":9223372036854775807,"Small":0.000000000001}'
      )
    })
  )

  it.effect("headers and context of the caller; never another Authorization", () =>
    Effect.gen(function* () {
      const options = {
        headers: { "X-Own": "1", authorization: "Bearer mine" },
        context: { enterpriseCompany: id(7) }
      }
      const on = ref("Crm_Sales_SalesOrders", 1)
      const nothing = { status: 204 }
      const list = [
        yield* sending(DomainApi.create(Customers, { Number: "1" }, options)),
        yield* sending(DomainApi.merge(Customers, { ExternalId: "1" }, { Number: "1" }, options)),
        yield* sending(DomainApi.update(Customers, id(1), { Number: "1" }, options), nothing),
        yield* sending(DomainApi.remove(Customers, id(1), options), nothing),
        yield* sending(DomainApi.call(Operation.changeState, { newState: "Released" }, { ...options, on }), nothing)
      ]
      for (const { headers, url } of list) {
        assert.strictEqual(headers["x-own"], "1")
        assert.strictEqual(headers["authorization"], "Bearer token-1")
        assert.strictEqual(new URLSearchParams(url.split("?")[1]).get("CurrentEnterpriseCompanyId"), id(7), url)
      }
    })
  )

  it.effect("update, remove and call: method, path and body", () =>
    Effect.gen(function* () {
      const nothing = { status: 204 }
      const on = ref("Crm_Sales_SalesOrders", 1)
      const update = yield* sending(DomainApi.update(Customers, id(1).toUpperCase(), { Number: "1" }), nothing)
      assert.deepStrictEqual(
        [update.method, update.url, update.body],
        ["PATCH", `Crm_Sales_Customers(${id(1)})`, '{"Number":"1"}']
      )
      const remove = yield* sending(DomainApi.remove(Customers, ref("Crm_Sales_Customers", 1)), nothing)
      assert.deepStrictEqual(
        [remove.method, remove.url, remove.body, remove.headers["content-type"]],
        ["DELETE", `Crm_Sales_Customers(${id(1)})`, undefined, undefined]
      )
      const userStatus = ref("Systems_Documents_DocumentTypeUserStatuses", 2)
      const state = yield* sending(
        DomainApi.call(Operation.changeState, { newState: "Released", userStatus }, { on }),
        nothing
      )
      assert.deepStrictEqual(
        [state.method, state.url, state.body],
        [
          "POST",
          `Crm_Sales_SalesOrders(${id(1)})/ChangeState`,
          `{"newState":"Released","userStatus":{"@odata.id":"Systems_Documents_DocumentTypeUserStatuses(${id(2)})"}}`
        ]
      )
    })
  )

  it.effect("merge: the type, then action and key, then the fields; the value cannot make it another action", () =>
    Effect.gen(function* () {
      const { body } = yield* sending(
        DomainApi.merge(
          Customers,
          { ExternalId: "E1", ExternalSystem: "shop" },
          { Number: "1", "@odata.type": "Erp.Crm_Sales_Customer", "@erpnet.action": "create" }
        )
      )
      assert.strictEqual(
        body,
        '{"@odata.type":"Erp.Crm_Sales_Customer","@erpnet.action":"merge",' +
          '"@erpnet.findBy":{"ExternalId":"E1","ExternalSystem":"shop"},' +
          '"ExternalId":"E1","ExternalSystem":"shop","Number":"1"}'
      )
      const short = yield* sending(DomainApi.merge(Customers, { ExternalId: "E1", ExternalSystem: undefined }, {}))
      assert.strictEqual(
        short.body,
        '{"@erpnet.action":"merge","@erpnet.findBy":{"ExternalId":"E1"},"ExternalId":"E1"}'
      )
    })
  )

  it.effect("functions: the parameters in the URL, quoted and encoded", () =>
    Effect.gen(function* () {
      const find = Operation.function(
        "Find",
        Schema.Struct({
          name: Schema.String,
          top: Schema.Number,
          exact: Schema.Boolean,
          search: Schema.NullOr(Schema.String)
        }),
        Schema.Array(Schema.String)
      )
      const input = { name: "O'Neil/ä?)", top: 10, exact: false, search: null }
      const reply: Reply = { body: JSON.stringify({ "@odata.context": "c", value: ["a"] }) }
      const bound = yield* sending(DomainApi.call(find, input, { on: ref("Crm_Sales_Customers", 1) }), reply)
      assert.deepStrictEqual(
        [bound.method, bound.url, bound.body],
        [
          "GET",
          `Crm_Sales_Customers(${id(1)})/Find(name=%27O%27%27Neil%2F%C3%A4%3F)%27,top=10,exact=false,search=null)`,
          undefined
        ]
      )
      assert.deepStrictEqual(bound.value, ["a"])
      const version = Operation.function("GetVersion", Schema.Struct({}), Schema.Struct({ version: Schema.String }))
      const unbound = yield* sending(DomainApi.call(version, {}), { body: '{"version":"26.2.0.76"}' })
      assert.strictEqual(unbound.url, "GetVersion")
      assert.deepStrictEqual(unbound.value, { version: "26.2.0.76" })
    })
  )

  it.effect("nothing, where a value does not fit: InvalidValue names the place and never the value", () => {
    const server = recording(() => created)
    const price = BigDecimal.unsafeFromString("1")
    const hidden = "s3cr3t-value"
    const Named = EntitySet.make("Named", Schema.Struct({ Code: Schema.NonEmptyString, Age: Schema.Int }))
    // What a program without types may hand over.
    const wrong = (value: unknown): never => value as never
    const cases: ReadonlyArray<
      readonly [string, string, Effect.Effect<unknown, DomainApi.WriteError, DomainApi.DomainApi>]
    > = [
      ["Code", "Named", DomainApi.create(Named, { Code: "" })],
      ["Age", "Named", DomainApi.update(Named, id(1), { Age: 1.5 })],
      ["Number", "Crm_Sales_Customers", DomainApi.create(Customers, wrong({ Number: { hidden } }))],
      ["Other", "Crm_Sales_Customers", DomainApi.create(Customers, wrong({ Other: hidden }))],
      [
        "CreditLimit.Currency",
        "Crm_Sales_Customers",
        DomainApi.create(Customers, wrong({ CreditLimit: { Value: price } }))
      ],
      ["Party@odata.bind", "Crm_Sales_Customers", DomainApi.create(Customers, wrong({ "Party@odata.bind": hidden }))],
      [
        "Lines[1].Quantity.Value",
        "Crm_Sales_SalesOrders",
        DomainApi.create(Orders, wrong({ Lines: [{}, { Quantity: { Value: hidden, Unit: "PCS" } }] }))
      ],
      ["Lines", "Crm_Sales_SalesOrders", DomainApi.create(Orders, wrong({ Lines: hidden }))],
      ["newState", "ChangeState", DomainApi.call(Operation.changeState, wrong({ newState: { hidden } }))]
    ]
    return Effect.gen(function* () {
      for (const [path, entitySet, write] of cases) {
        const error = failureOf(yield* Effect.exit(write))
        assert.deepInclude(error, { _tag: "InvalidValue", path, entitySet })
        assert.include(error.message, path)
        assert.notInclude(JSON.stringify(error) + String(error), hidden)
      }
      const bad = failureOf(yield* Effect.exit(DomainApi.remove(Customers, "1)/x")))
      assert.strictEqual(bad._tag, "InvalidQuery")
      assert.lengthOf(server.sent, 0)
    }).pipe(Effect.provide(server.layer))
  })
})

describe("the id of what was created", () => {
  const guid = id(1)
  const given: ReadonlyArray<readonly [string, Reply]> = [
    ["in the body", { status: 201, body: `{"@odata.id":"Crm_Sales_Customers(${guid})"}` }],
    ["in the body, absolute", { body: `{"@odata.id":"${instance.odata}Crm_Sales_Customers(${guid})"}` }],
    ["in Location", { status: 204, headers: { location: `${instance.odata}Crm_Sales_Customers(${guid})` } }],
    ["in Location, the body naming none", { body: "{}", headers: { location: `Crm_Sales_Customers(${guid})` } }],
    ["in Location, the body being no JSON", { body: "<x>", headers: { location: `Crm_Sales_Customers(${guid})` } }]
  ]
  for (const [name, reply] of given) {
    it.effect(name, () =>
      Effect.map(sending(DomainApi.create(Customers, {}), reply), ({ value }) => {
        assert.strictEqual(ComplexType.formatEntityId(value), `Crm_Sales_Customers(${guid})`)
      })
    )
  }

  for (const reply of [{ status: 204 }, { body: "{}" }, { body: '{"@odata.id":7}' }, { headers: { location: "x" } }]) {
    it.effect(`ResponseInvalid for ${JSON.stringify(reply)}`, () => {
      const server = recording(() => reply)
      return Effect.gen(function* () {
        const error = failureOf(yield* Effect.exit(DomainApi.create(Customers, {})))
        assert.deepInclude(error, { _tag: "ResponseInvalid", path: "@odata.id" })
        assert.lengthOf(server.sent, 1)
      }).pipe(Effect.provide(server.layer))
    })
  }
})

describe("what an action answers", () => {
  const ask = Operation.action("Ask", Schema.Struct({}), ComplexType.Amount)
  const answers: ReadonlyArray<readonly [string, string]> = [
    ["in value", '{"@odata.context":"c","value":{"Value":123456789012345.678,"Currency":"EUR"}}'],
    ["itself", '{"Value":123456789012345.678,"Currency":"EUR"}']
  ]
  for (const [name, body] of answers) {
    it.effect(`${name}, with every digit`, () =>
      Effect.map(sending(DomainApi.call(ask, {}), { body }), ({ value }) => {
        assert.strictEqual(BigDecimal.format(value.Value), "123456789012345.678")
      })
    )
  }

  it.effect("ResponseInvalid where it does not fit, and nothing looked at where it is Void", () =>
    Effect.gen(function* () {
      const server = recording(() => ({ body: '{"value":{"Value":"x","Currency":"EUR"}}' }))
      const error = failureOf(yield* Effect.exit(Effect.provide(DomainApi.call(ask, {}), server.layer)))
      assert.deepInclude(error, { _tag: "ResponseInvalid", path: "Value" })
      const silent = Operation.action("Silent", Schema.Struct({}), Schema.Void)
      assert.isUndefined((yield* sending(DomainApi.call(silent, {}), { body: "<html>" })).value)
    })
  )
})

// --- what is sent again, and what never is --------------------------------------------------------------------------

const writes: Readonly<Record<string, Effect.Effect<unknown, DomainApi.WriteError, DomainApi.DomainApi>>> = {
  create: DomainApi.create(Customers, { Number: "1" }),
  merge: DomainApi.merge(Customers, { ExternalId: "1" }, { Number: "1" }),
  update: DomainApi.update(Customers, id(1), { Number: "1" }),
  remove: DomainApi.remove(Customers, id(1)),
  action: DomainApi.call(Operation.changeState, { newState: "Released" }, { on: ref("Crm_Sales_SalesOrders", 1) })
}

const error = (status: number, code: number, message: string, type = "T"): Reply => ({
  status,
  headers: { "retry-after": "1" },
  body: JSON.stringify({ error: { message, code, type, info: "trace" } })
})

const licence = (status: number) => error(status, 8, "no licence", "Aloe.SystemFrameworks.E1LicenseException")

/** What a write comes to while five minutes pass. */
const outcome = <A, E>(write: Effect.Effect<A, E, DomainApi.DomainApi>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.fork(Effect.exit(write))
    for (let n = 0; n < 10; n++) yield* TestClock.adjust("30 seconds")
    return yield* Fiber.join(fiber)
  })

describe("a write", () => {
  for (const [name, write] of Object.entries(writes)) {
    it.effect(`${name}: sent once, and its error, where it may have been executed`, () =>
      Effect.gen(function* () {
        const cases: ReadonlyArray<readonly [Answer, Record<string, unknown>]> = [
          ["reset", { _tag: "OutcomeUnknown", reason: "transport", detail: "ECONNRESET" }],
          [Effect.never, { _tag: "OutcomeUnknown", reason: "timeout" }],
          [
            { status: 201, body: "{", cut: true },
            { _tag: "OutcomeUnknown", reason: "transport" }
          ],
          [{ status: 502 }, { _tag: "OutcomeUnknown", reason: "status", status: 502 }],
          [{ status: 504 }, { _tag: "OutcomeUnknown", reason: "status", status: 504 }],
          [error(429, 0, "busy"), { _tag: "RateLimited", status: 429 }],
          [error(500, 0, "wrong"), { _tag: "ServerError", status: 500 }],
          [error(503, 0, "busy"), { _tag: "ServerError", status: 503 }],
          [licence(500), { _tag: "LicenseUnavailable", status: 500 }],
          [error(404, 0, "none"), { _tag: "NotFound", status: 404 }],
          [error(500, 2129, "Duplicate"), { _tag: "DuplicateKey" }],
          [error(500, 2029, "The validation R27159"), { _tag: "ValidationFailed", ruleId: "R27159" }],
          [error(409, 0, "changed"), { _tag: "ConcurrencyConflict", status: 409 }],
          [error(412, 0, "changed"), { _tag: "ConcurrencyConflict", status: 412 }],
          [error(500, 0, "the ObjectVersion is 7"), { _tag: "ConcurrencyConflict", status: 500, code: 0 }],
          [error(500, 2029, "The object version has changed"), { _tag: "ConcurrencyConflict", code: 2029 }]
        ]
        for (const [answer, expected] of cases) {
          const server = recording(() => answer)
          const failure = failureOf(yield* Effect.provide(outcome(write), server.layer))
          assert.deepInclude(failure, expected)
          assert.lengthOf(server.sent, 1, failure._tag)
        }
      })
    )

    it.effect(`${name}: sent again without a licence (503), the same bytes`, () => {
      const server = recording((index) => (index <= 2 ? licence(503) : created))
      return Effect.gen(function* () {
        assert.isTrue((yield* outcome(write))._tag === "Success")
        assert.lengthOf(server.sent, 3)
        assert.strictEqual(new Set(server.sent.map((sent) => JSON.stringify(sent))).size, 1)
      }).pipe(Effect.provide(server.layer))
    })

    it.effect(`${name}: sent again once with another token after 401`, () => {
      const server = recording((index) => (index === 1 ? { status: 401 } : created))
      return Effect.gen(function* () {
        assert.isTrue((yield* outcome(write))._tag === "Success")
        assert.deepStrictEqual(
          server.sent.map(({ headers }) => headers["authorization"]),
          ["Bearer token-1", "Bearer token-2"]
        )
        assert.strictEqual(new Set(server.sent.map(({ body }) => body)).size, 1)
      }).pipe(Effect.provide(server.layer))
    })

    it.effect(`${name}: Unauthorized after a second 401, and no third`, () => {
      const server = recording(() => ({ status: 401 }))
      return Effect.gen(function* () {
        assert.strictEqual(failureOf(yield* outcome(write))._tag, "Unauthorized")
        assert.lengthOf(server.sent, 2)
      }).pipe(Effect.provide(server.layer))
    })
  }

  const refusals = ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "UND_ERR_CONNECT_TIMEOUT"]
  const cuts = ["ECONNRESET", "EPIPE", "ETIMEDOUT", "UND_ERR_SOCKET"]
  for (const code of [...refusals, ...cuts]) {
    const refused = refusals.includes(code)
    it.effect(`${code}: ${refused ? "tried three times, then Unreachable" : "tried once, then OutcomeUnknown"}`, () =>
      Effect.gen(function* () {
        let tried = 0
        const broken = HttpClient.make((request) => {
          if (request.url === instance.tokenEndpoint) return Effect.die("a token is given")
          tried += 1
          const cause = Object.assign(new Error("no connection"), { code })
          return Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause }))
        })
        const fake = fakeDomain(() => created)
        const tokensFirst = Layer.effect(
          HttpClient.HttpClient,
          Effect.map(HttpClient.HttpClient, (working) =>
            HttpClient.make((request) =>
              request.url === instance.tokenEndpoint ? working.execute(request) : broken.execute(request)
            )
          )
        ).pipe(Layer.provide(fake.http))
        const layer = Layer.provide(Layer.orDie(ErpNet.layer({ instance, credentials: application })), tokensFirst)
        const failure = failureOf(yield* Effect.provide(outcome(DomainApi.create(Customers, {})), layer))
        assert.deepInclude(failure, { _tag: refused ? "Unreachable" : "OutcomeUnknown", detail: code })
        assert.strictEqual(tried, refused ? 3 : 1)
      })
    )
  }

  it.effect("waits as long as a server without a licence asks", () => {
    const server = recording((index) => (index === 1 ? { ...licence(503), headers: { "retry-after": "60" } } : created))
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(DomainApi.create(Customers, {}))
      yield* TestClock.adjust(Duration.millis(59_999))
      assert.lengthOf(server.sent, 1)
      yield* TestClock.adjust(1)
      yield* Fiber.join(fiber)
      assert.lengthOf(server.sent, 2)
    }).pipe(Effect.provide(server.layer))
  })
})

// --- the embedded instance ------------------------------------------------------------------------------------------

const writer = ErpNetEmulator.demoCredentials

const emulated = (emulator: ErpNetEmulator.Options = {}) =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, (erp) =>
      Layer.orDie(ErpNet.layer({ instance: erp.instance, credentials: writer }))
    )
  ).pipe(Layer.provideMerge(ErpNetEmulator.layer({ customers: 3, products: 2, salesOrders: 20, ...emulator })))

const Ided = EntitySet.make("Crm_Sales_Customers", Schema.Struct({ "@odata.id": ComplexType.EntityId }))

const firstCustomer = Effect.flatMap(DomainApi.list(Ided, { top: 1 }), ([row]) =>
  Effect.orDie(Effect.fromNullable(row?.["@odata.id"]))
)

const Products = EntitySet.make(
  "General_Products_Products",
  Schema.Struct({
    PartNumber: Schema.String,
    Name: ComplexType.MultilanguageString,
    ProductGroup: EntitySet.expand(Schema.Struct({ Code: Schema.String }))
  })
)

const States = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({ "@odata.id": ComplexType.EntityId, State: Schema.String })
)

const newProduct = { PartNumber: "NEW-1", Name: { EN: "Lamp", bg: "Лампа" }, ProductGroup: { Code: "OFF" } }

describe("writing to the embedded instance", () => {
  it.effect("create, get, update, remove", () =>
    Effect.gen(function* () {
      const product = yield* DomainApi.create(Products, newProduct)
      const row = yield* DomainApi.get(Products, product)
      assert.deepStrictEqual(row, { ...newProduct, Name: { EN: "Lamp", BG: "Лампа" } })
      yield* DomainApi.update(Products, product, { PartNumber: "NEW-2" })
      assert.strictEqual((yield* DomainApi.get(Products, product)).PartNumber, "NEW-2")
      const duplicate = failureOf(
        yield* Effect.exit(DomainApi.create(Products, { ...newProduct, PartNumber: "NEW-2" }))
      )
      assert.strictEqual(duplicate._tag, "DuplicateKey")
      yield* DomainApi.remove(Products, product)
      assert.isTrue(Option.isNone(yield* DomainApi.find(Products, product)))
      assert.strictEqual(failureOf(yield* Effect.exit(DomainApi.remove(Products, product)))._tag, "NotFound")
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("merge: the same twice is one entity, and it is updated", () =>
    Effect.gen(function* () {
      const key = { ExternalId: "E1", ExternalSystem: "shop" }
      const first = yield* DomainApi.merge(Products, key, newProduct)
      const second = yield* DomainApi.merge(Products, key, { PartNumber: "NEW-3" })
      assert.deepStrictEqual(second, first)
      assert.strictEqual((yield* DomainApi.get(Products, first)).PartNumber, "NEW-3")
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("updateTexts keeps the other languages, whatever the case of the new ones", () =>
    Effect.gen(function* () {
      const product = yield* DomainApi.create(Products, newProduct)
      yield* DomainApi.updateTexts(Products, product, "Name", { en: "Table" })
      assert.deepStrictEqual((yield* DomainApi.get(Products, product)).Name, { EN: "Table", BG: "Лампа" })
      yield* DomainApi.updateTexts(Products, product, "Name", { BG: "Маса" })
      assert.deepStrictEqual((yield* DomainApi.get(Products, product)).Name, { EN: "Table", BG: "Маса" })
      const role = "00000000-0000-0000-0000-000000000007"
      yield* DomainApi.updateTexts(Products, product, "Name", { DE: "Tisch" }, { context: { role } })
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.deepStrictEqual(
        (yield* erp.journal).slice(-2).map((entry) => [entry.method, entry.query]),
        [
          ["GET", `CurrentRoleId=${role}&$select=Name`],
          ["PATCH", `CurrentRoleId=${role}`]
        ]
      )
      const wrong = failureOf(yield* Effect.exit(DomainApi.updateTexts(Products, product, "Name", { EN: 7 as never })))
      assert.deepInclude(wrong, { _tag: "InvalidValue", path: "Name.EN" })
    }).pipe(Effect.provide(emulated()))
  )

  for (const status of [500, 409, 412] as const) {
    it.effect(`a lost race under ObjectVersion is ConcurrencyConflict and writes nothing (${status})`, () =>
      Effect.gen(function* () {
        const customer = yield* firstCustomer
        const { ObjectVersion } = yield* DomainApi.get(Customers, customer)
        yield* DomainApi.update(Customers, customer, { ObjectVersion, GracePeriodDays: 41 })
        const late = DomainApi.update(Customers, customer, { ObjectVersion, GracePeriodDays: 42 })
        assert.deepInclude(failureOf(yield* Effect.exit(late)), { _tag: "ConcurrencyConflict", status })
        assert.strictEqual((yield* DomainApi.get(Customers, customer)).GracePeriodDays, 41)
        const atCommit = failureOf(yield* Effect.exit(DomainApi.transaction(late)))
        assert.strictEqual(atCommit._tag, "ConcurrencyConflict")
        assert.strictEqual((yield* DomainApi.get(Customers, customer)).GracePeriodDays, 41)
      }).pipe(Effect.provide(emulated({ objectVersionConflict: status })))
    )
  }

  it.effect("read, change and write again after a conflict loses no change", () =>
    Effect.gen(function* () {
      const customer = yield* firstCustomer
      yield* DomainApi.update(Customers, customer, { GracePeriodDays: 0 })
      const add = Effect.gen(function* () {
        const row = yield* DomainApi.get(Customers, customer)
        const { ObjectVersion } = row
        yield* DomainApi.update(Customers, customer, { ObjectVersion, GracePeriodDays: (row.GracePeriodDays ?? 0) + 1 })
      }).pipe(Effect.retry({ times: 10, while: (error) => error._tag === "ConcurrencyConflict" }))
      yield* Effect.all([add, add, add, add], { concurrency: "unbounded" })
      assert.strictEqual((yield* DomainApi.get(Customers, customer)).GracePeriodDays, 4)
      const answers = (yield* apiJournal).filter(({ method }) => method === "PATCH").map((entry) => entry.status)
      assert.include(answers, 500, "there was a conflict")
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a connection that is cut after each write: executed once, OutcomeUnknown, sent once", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const countOf = (PartNumber: string) =>
        Effect.map(DomainApi.list(Products), (rows) => rows.filter((row) => row.PartNumber === PartNumber).length)
      const product = yield* DomainApi.create(Products, { ...newProduct, PartNumber: "CUT-0" })
      const cut = <A>(method: string, write: Effect.Effect<A, DomainApi.WriteError, DomainApi.DomainApi>) =>
        Effect.gen(function* () {
          yield* erp.clearJournal
          yield* erp.failNext("api", Fault.resetAfterExecution)
          const fiber = yield* Effect.fork(Effect.exit(write))
          yield* turn
          yield* TestClock.adjust("5 minutes")
          const failure = failureOf(yield* Fiber.join(fiber))
          assert.deepInclude(failure, { _tag: "OutcomeUnknown", method, reason: "transport" })
          assert.isFalse(ErpNetError.isTransient(failure))
          assert.deepStrictEqual(
            (yield* apiJournal).map((entry) => entry.method),
            [method]
          )
        })
      yield* cut("POST", DomainApi.create(Products, { ...newProduct, PartNumber: "CUT-1" }))
      assert.strictEqual(yield* countOf("CUT-1"), 1)
      const merge = DomainApi.merge(Products, { ExternalId: "M" }, { ...newProduct, PartNumber: "CUT-2" })
      yield* cut("POST", merge)
      yield* merge
      assert.strictEqual(yield* countOf("CUT-2"), 1)
      yield* cut("PATCH", DomainApi.update(Products, product, { PartNumber: "CUT-3" }))
      assert.strictEqual(yield* countOf("CUT-3"), 1)
      const [order] = yield* DomainApi.list(States, { top: 1, filter: Filter.eq("State", "New") })
      assert(order !== undefined)
      const on = order["@odata.id"]
      yield* cut("POST", DomainApi.call(Operation.changeState, { newState: "Released" }, { on }))
      assert.strictEqual((yield* DomainApi.get(States, on)).State, "Released")
      yield* cut("DELETE", DomainApi.remove(Products, product))
      assert.strictEqual(yield* countOf("CUT-3"), 0)
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("a token that was revoked costs one renewal, and the write is executed once", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* firstCustomer
      yield* erp.revokeTokens
      yield* erp.clearJournal
      yield* DomainApi.create(Products, newProduct)
      assert.deepStrictEqual(
        (yield* apiJournal).map(({ status }) => status),
        [401, 201]
      )
      const rows = yield* DomainApi.list(Products)
      assert.lengthOf(
        rows.filter((row) => row.PartNumber === newProduct.PartNumber),
        1
      )
    }).pipe(Effect.provide(emulated()))
  )
})
