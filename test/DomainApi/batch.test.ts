/** `DomainApi.batch`: several operations in one request, in front of the embedded instance and of hostile servers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, Layer, Option, Schema, TestClock } from "effect"
import { Batch, ComplexType, DomainApi, EntitySet, ErpNet } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { apiJournal, failureOf, id, turn } from "../support/domain.ts"
import { application, instance } from "../support/fixtures.ts"
import { type Answer, fakeServer, issuing, type Received } from "../support/transport.ts"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({ Id: Schema.UUID, Number: Schema.NullOr(Schema.String), GracePeriodDays: Schema.Number })
)

const Groups = EntitySet.make(
  "General_Products_ProductGroups",
  Schema.Struct({ Code: Schema.String, Name: ComplexType.MultilanguageString })
)

// --- the embedded instance ------------------------------------------------------------------------------------------

const writer = ErpNetEmulator.demoCredentials

const emulated = (options: ErpNetEmulator.Options = {}) =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, (erp) =>
      Layer.orDie(ErpNet.layer({ instance: erp.instance, credentials: writer }))
    )
  ).pipe(Layer.provideMerge(ErpNetEmulator.layer({ customers: 4, products: 1, salesOrders: 1, ...options })))

const nobody = id(999)
const group = (code: string) => ({ Code: code, Name: { EN: `Group ${code}` } })
const codes = Effect.map(DomainApi.list(Groups), (rows) => rows.map(({ Code }) => Code))

describe("DomainApi.batch", () => {
  it.effect("reads each part with its own type and its own error, in one request", () =>
    Effect.gen(function* () {
      const rows = yield* DomainApi.list(Customers)
      const before = (yield* apiJournal).length
      const results = yield* DomainApi.batch({
        second: Batch.get(Customers, rows[1]!.Id),
        none: Batch.get(Customers, nobody),
        groups: Batch.list(Groups, { top: 1 }),
        first: Batch.get(Customers, rows[0]!.Id.toUpperCase())
      })
      assert.deepStrictEqual(Either.getOrThrow(results.first), rows[0])
      assert.deepStrictEqual(Either.getOrThrow(results.second), rows[1])
      assert.strictEqual(Either.getOrThrow(results.groups).length, 1)
      const missing = Either.getOrThrow(Either.flip(results.none))
      assert(missing._tag === "NotFound")
      assert.strictEqual(missing.path, `/api/domain/odata/Crm_Sales_Customers(${nobody})`)
      const journal = (yield* apiJournal).slice(before)
      assert.deepStrictEqual(
        journal.map(({ method, path }) => [method, path]),
        [["POST", "/api/domain/odata/$batch"]]
      )
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("runs a changeset as a whole, later operations referring to earlier ones", () =>
    Effect.gen(function* () {
      const { after, made } = yield* DomainApi.batch({
        made: Batch.changeset({
          one: Batch.create(Groups, group("B1")),
          two: Batch.create(Groups, group("B2")),
          renamed: Batch.update(Groups, Batch.reference("one"), { Name: { EN: "Ünïcode 'one' --batch_1" } }),
          gone: Batch.remove(Groups, Batch.reference("two"))
        }),
        after: Batch.list(Groups, { search: "B1" })
      })
      const { one, renamed } = Either.getOrThrow(made)
      assert.strictEqual(one.entitySet, "General_Products_ProductGroups")
      assert.strictEqual(renamed, undefined)
      assert.deepStrictEqual(yield* DomainApi.get(Groups, one), { Code: "B1", Name: { EN: "Ünïcode 'one' --batch_1" } })
      assert.deepStrictEqual(
        Either.getOrThrow(after).map(({ Code }) => Code),
        ["B1"]
      )
      assert.notInclude(yield* codes, "B2")
    }).pipe(Effect.provide(emulated()))
  )

  for (const failedChangeset of ["nested", "single"] as const) {
    it.effect(
      `a changeset that fails leaves nothing, names its operation and disturbs no other (${failedChangeset})`,
      () =>
        Effect.gen(function* () {
          const [customer] = yield* DomainApi.list(Customers, { top: 1 })
          const results = yield* DomainApi.batch({
            bad: Batch.changeset({
              fine: Batch.create(Groups, group("B1")),
              wrong: Batch.update(Groups, nobody, { Code: "B9" }),
              late: Batch.create(Groups, group("B3"))
            }),
            good: Batch.changeset({ days: Batch.update(Customers, customer!.Id, { GracePeriodDays: 77 }) }),
            read: Batch.get(Customers, customer!.Id)
          })
          const failed = Either.getOrThrow(Either.flip(results.bad))
          assert(failed._tag === "ChangesetFailed")
          assert.strictEqual(failed.operation, "wrong")
          assert.strictEqual(failed.error._tag, "NotFound")
          assert.include(failed.message, 'The operation "wrong" of the changeset failed')
          assert.deepStrictEqual(results.good, Either.right({ days: undefined }))
          assert.strictEqual(Either.getOrThrow(results.read).GracePeriodDays, 77)
          const held = yield* codes
          assert.notInclude(held, "B1")
          assert.notInclude(held, "B3")
        }).pipe(Effect.provide(emulated({ failedChangeset })))
    )
  }

  it.effect.each([
    ["lost", ErpNetEmulator.Fault.resetAfterExecution],
    ["cut off", ErpNetEmulator.Fault.truncated()],
    ["cut off in its first part", ErpNetEmulator.Fault.truncated(60)]
  ] as const)("with a changeset is not sent again where the answer is %s", ([, fault]) =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* DomainApi.list(Groups)
      const before = (yield* apiJournal).length
      yield* erp.failNext("api", fault)
      const made = Batch.changeset({ one: Batch.create(Groups, group("B1")) })
      const error = failureOf(yield* Effect.exit(DomainApi.batch({ made, all: Batch.list(Groups) })))
      assert.strictEqual(error._tag, "OutcomeUnknown")
      assert.strictEqual((yield* apiJournal).length, before + 1)
      assert.strictEqual((yield* codes).filter((code) => code === "B1").length, 1)
    }).pipe(Effect.provide(emulated()))
  )

  it.effect("is refused in a transaction", () =>
    Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(DomainApi.transaction(DomainApi.batch({ all: Batch.list(Groups) }))))
      assert(error._tag === "InvalidQuery")
      assert.strictEqual(error.option, "$batch")
    }).pipe(Effect.provide(emulated()))
  )
})

// --- a server that the test writes ----------------------------------------------------------------------------------

const served = (handler: (request: Received, index: number) => Answer) => {
  const issue = issuing()
  const calls: Array<Received> = []
  const server = fakeServer((request, index) => {
    if (request.url.href === instance.tokenEndpoint) return issue(request, index)
    calls.push(request)
    return handler(request, calls.length)
  })
  const layer = Layer.provide(Layer.orDie(ErpNet.layer({ instance, credentials: application })), server.layer)
  return { calls, layer }
}

const crlf = "\r\n"

interface Part {
  readonly status: number
  readonly body?: unknown
  readonly contentId?: string
  readonly headers?: Readonly<Record<string, string>>
}

const httpText = ({ body, contentId, headers = {}, status }: Part): string =>
  [
    "Content-Type: application/http",
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    "",
    `HTTP/1.1 ${status} Some Reason`,
    "Content-Type: application/json;odata.metadata=minimal",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "",
    body === undefined ? "" : JSON.stringify(body)
  ].join(crlf)

const multipartText = (boundary: string, parts: ReadonlyArray<string>): string =>
  `${parts.map((part) => `--${boundary}${crlf}${part}${crlf}`).join("")}--${boundary}--${crlf}`

const changesetText = (parts: ReadonlyArray<Part>): string =>
  `Content-Type: multipart/mixed; boundary=cs${crlf}${crlf}${multipartText("cs", parts.map(httpText))}`

const batchResponse = (text: string, boundary = "br"): Response =>
  new Response(text, { status: 200, headers: { "content-type": `multipart/mixed; boundary=${boundary}` } })

const row = (n: number) => ({
  "@odata.id": `Crm_Sales_Customers(${id(n)})`,
  Id: id(n),
  Number: `N${n}`,
  GracePeriodDays: n
})
const created = (n: number) => ({ "@odata.id": `General_Products_ProductGroups(${id(n)})` })

const operations = {
  one: Batch.get(Customers, id(1)),
  two: Batch.get(Customers, id(2)),
  changes: Batch.changeset({
    a: Batch.create(Groups, group("A")),
    b: Batch.create(Groups, group("B"))
  }),
  three: Batch.get(Customers, id(3))
}

const goodParts = [
  httpText({ status: 200, body: row(1) }),
  httpText({ status: 200, body: row(2) }),
  changesetText([
    { status: 201, body: created(11), contentId: "1" },
    { status: 201, body: created(12), contentId: "2" }
  ]),
  httpText({ status: 200, body: row(3) })
]
const good = multipartText("br", goodParts)

describe("a batch on the wire", () => {
  it.effect("is multipart with CRLF, byte for byte", () => {
    const { calls, layer } = served(() => batchResponse(good))
    return Effect.gen(function* () {
      yield* DomainApi.batch(
        {
          read: Batch.get(Customers, id(1), { options: ["skipnulls"] }),
          set: Batch.changeset({
            made: Batch.create(Groups, { Name: { EN: "Ü" }, Code: "A" }),
            price: Batch.create(
              Groups,
              { Code: "P" },
              { within: { owner: Batch.reference("made"), collection: "Prices" } }
            ),
            changed: Batch.update(Groups, Batch.reference("made"), { Code: "C" }, { context: { role: id(5) } }),
            gone: Batch.remove(Groups, id(4))
          })
        },
        { headers: { "x-own": "1" } }
      ).pipe(Effect.exit)
      const [call] = calls
      assert.strictEqual(`${call?.method} ${call?.url.pathname}`, "POST /api/domain/odata/$batch")
      assert.strictEqual(call?.headers["content-type"], "multipart/mixed; boundary=batch_1")
      assert.strictEqual(call?.headers["accept"], "multipart/mixed")
      assert.strictEqual(call?.headers["x-own"], "1")
      const change = (contentId: number, request: string, body?: string) => [
        "--changeset_1",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        `Content-ID: ${contentId}`,
        "",
        `${request} HTTP/1.1`,
        "Accept: application/json",
        ...(body === undefined ? [] : ["Content-Type: application/json"]),
        "",
        body ?? ""
      ]
      assert.strictEqual(
        call?.body,
        [
          "--batch_1",
          "Content-Type: application/http",
          "Content-Transfer-Encoding: binary",
          "",
          `GET Crm_Sales_Customers(${id(1)})?$select=Id,Number,GracePeriodDays&options=skipnulls HTTP/1.1`,
          "Accept: application/json",
          "",
          "",
          "--batch_1",
          "Content-Type: multipart/mixed; boundary=changeset_1",
          "",
          ...change(1, "POST General_Products_ProductGroups", '{"Name":{"EN":"Ü"},"Code":"A"}'),
          ...change(2, "POST $1/Prices", '{"Code":"P"}'),
          ...change(3, `PATCH $1?CurrentRoleId=${id(5)}`, '{"Code":"C"}'),
          ...change(4, `DELETE General_Products_ProductGroups(${id(4)})`),
          "--changeset_1--",
          "",
          "--batch_1--",
          ""
        ].join(crlf)
      )
    }).pipe(Effect.provide(layer))
  })

  it.effect("sends nothing where an operation cannot be written, or there is none", () => {
    const { calls, layer } = served(() => batchResponse(good))
    return Effect.gen(function* () {
      const errorOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Effect.exit(effect), failureOf)
      const wrong: ReadonlyArray<Effect.Effect<unknown, DomainApi.WriteError, DomainApi.DomainApi>> = [
        DomainApi.batch({ ...operations, bad: Batch.get(Customers, "x") }),
        DomainApi.batch({ ...operations, bad: Batch.list(Customers, { top: -1 }) }),
        DomainApi.batch({
          bad: Batch.changeset({
            x: Batch.update(Groups, Batch.reference("later"), {}),
            later: Batch.create(Groups, {})
          })
        }),
        DomainApi.batch({ bad: Batch.changeset({ x: Batch.remove(Groups, Batch.reference("x")) }) }),
        DomainApi.batch({ bad: Batch.changeset({ 1: Batch.remove(Groups, id(1)) }) }),
        DomainApi.batch({
          made: Batch.changeset({ x: Batch.create(Groups, {}) }),
          bad: Batch.changeset({ y: Batch.remove(Groups, Batch.reference("x")) })
        }),
        DomainApi.batch({
          bad: Batch.changeset({
            x: Batch.create(Groups, {}),
            y: Batch.create(
              Groups,
              {},
              { within: { owner: Batch.reference("x"), collection: "Prices HTTP/1.1\r\nX: y" } }
            )
          })
        })
      ]
      for (const effect of wrong) assert.strictEqual((yield* errorOf(effect))._tag, "InvalidQuery")
      const strange = { Code: 5 as unknown as string }
      const invalid = yield* errorOf(DomainApi.batch({ bad: Batch.changeset({ x: Batch.create(Groups, strange) }) }))
      assert.strictEqual(invalid._tag, "InvalidValue")
      assert.deepStrictEqual(yield* DomainApi.batch({}), {})
      assert.deepStrictEqual(yield* DomainApi.batch({ none: Batch.changeset({}) }), { none: Either.right({}) })
      assert.strictEqual(calls.length, 0)
    }).pipe(Effect.provide(layer))
  })

  it.effect("pairs changes by Content-ID, in whatever order they are answered", () => {
    const { layer } = served(() =>
      batchResponse(
        multipartText("br", [
          goodParts[0]!,
          goodParts[1]!,
          changesetText([
            { status: 201, body: created(12), contentId: "2" },
            { status: 201, body: created(11), contentId: "1" }
          ]),
          goodParts[3]!
        ])
      )
    )
    return Effect.gen(function* () {
      const { changes } = yield* DomainApi.batch(operations)
      const { a, b } = Either.getOrThrow(changes)
      assert.deepStrictEqual([a.id, b.id], [id(11), id(12)])
    }).pipe(Effect.provide(layer))
  })

  it.effect("takes the id of a created entity from Location as well", () => {
    const location = `${instance.odata}General_Products_ProductGroups(${id(7)})`
    const part = changesetText([{ status: 204, contentId: "1", headers: { Location: location } }])
    const { layer } = served(() => batchResponse(multipartText("br", [part])))
    return Effect.gen(function* () {
      const { set } = yield* DomainApi.batch({ set: Batch.changeset({ a: Batch.create(Groups, {}) }) })
      assert.strictEqual(Either.getOrThrow(set).a.id, id(7))
    }).pipe(Effect.provide(layer))
  })

  it.effect("turns an error inside into its typed error: of a change, of a lost race, of a read", () => {
    const fault = (code: number, message: string) => ({ error: { message, code, type: "X", info: "at Secret.Stack" } })
    const { layer } = served(() =>
      batchResponse(
        multipartText("br", [
          httpText({ status: 500, body: fault(0, "boom"), headers: { "Retry-After": "7" } }),
          httpText({ status: 503, body: fault(8, "full"), headers: { "Retry-After": "60" } }),
          changesetText([{ status: 409, body: fault(0, "ObjectVersion"), contentId: "2" }]),
          httpText({ status: 404, body: fault(0, "none") })
        ])
      )
    )
    return Effect.gen(function* () {
      const { changes, one, three, two } = yield* DomainApi.batch(operations)
      const tag = (result: Either.Either<unknown, { readonly _tag: string }>) =>
        Either.getOrThrow(Either.flip(result))._tag
      assert.deepStrictEqual([tag(one), tag(two), tag(three)], ["ServerError", "LicenseUnavailable", "NotFound"])
      const failed = Either.getOrThrow(Either.flip(changes))
      assert(failed._tag === "ChangesetFailed")
      assert.deepStrictEqual([failed.operation, failed.error._tag], ["b", "ConcurrencyConflict"])
      assert.notInclude(failed.message, "Secret.Stack")
    }).pipe(Effect.provide(layer))
  })

  it.effect("without changes is a read: sent again after 503, and Unreachable where the answer is lost", () => {
    const busy = served((_, index) =>
      index === 1 ? new Response("", { status: 503 }) : batchResponse(multipartText("br", [goodParts[0]!]))
    )
    const lost = served(() => "reset")
    return Effect.gen(function* () {
      const reads = { one: operations.one }
      const fiber = yield* Effect.fork(Effect.provide(DomainApi.batch(reads), busy.layer))
      yield* turn
      yield* TestClock.adjust("1 second")
      assert.isTrue(Either.isRight((yield* fiber).one))
      assert.strictEqual(busy.calls.length, 2)
      const error = failureOf(yield* Effect.exit(Effect.provide(DomainApi.batch(reads), lost.layer)))
      assert.strictEqual(error._tag, "Unreachable")
    })
  })

  it.effect("with changes is not sent again after 503, nor after a reset", () => {
    const busy = served(() => new Response("", { status: 503 }))
    const lost = served(() => "reset")
    return Effect.gen(function* () {
      const first = failureOf(yield* Effect.exit(Effect.provide(DomainApi.batch(operations), busy.layer)))
      const second = failureOf(yield* Effect.exit(Effect.provide(DomainApi.batch(operations), lost.layer)))
      assert.deepStrictEqual([first._tag, second._tag], ["ServerError", "OutcomeUnknown"])
      assert.deepStrictEqual([busy.calls.length, lost.calls.length], [1, 1])
    })
  })

  const answers = (parts: ReadonlyArray<string>): string => multipartText("br", parts)
  const [p1 = "", p2 = "", cs = "", p3 = ""] = goodParts
  const ids = (...contentIds: ReadonlyArray<string | undefined>) =>
    changesetText(
      contentIds.map((contentId, index) => ({
        status: 201,
        body: created(11 + index),
        ...(contentId === undefined ? {} : { contentId })
      }))
    )

  it.effect.each([
    ["no part", answers([])],
    ["a missing part", answers([p1, p2, cs])],
    ["a missing part in the middle", answers([p1, cs, p3])],
    ["an extra part", answers([p1, p2, cs, p3, p3])],
    ["a changeset where a read was asked for", answers([p1, cs, p2, p3])],
    ["an answer that is cut off", good.slice(0, good.lastIndexOf("--br"))],
    ["an answer with another boundary", multipartText("other", goodParts)],
    ["a changeset with too few answers", answers([p1, p2, ids("1"), p3])],
    ["a changeset with too many answers", answers([p1, p2, ids("1", "2", "3"), p3])],
    ["a changeset with a foreign Content-ID", answers([p1, p2, ids("1", "3"), p3])],
    ["a changeset with the same Content-ID twice", answers([p1, p2, ids("1", "1"), p3])],
    ["a changeset without Content-ID", answers([p1, p2, ids(undefined, undefined), p3])],
    ["a changeset that is cut off", answers([p1, p2, cs.replace("--cs--", ""), p3])],
    ["a changeset answered by one success", answers([p1, p2, httpText({ status: 200, body: {} }), p3])],
    [
      "a failed changeset with a foreign Content-ID",
      answers([p1, p2, changesetText([{ status: 500, contentId: "9" }]), p3])
    ],
    [
      "a changeset of success and failure",
      answers([
        p1,
        p2,
        changesetText([
          { status: 201, body: created(11), contentId: "1" },
          { status: 500, contentId: "2" }
        ]),
        p3
      ])
    ],
    ["JSON", "{}"],
    ["nothing", ""]
  ] as const)("is ResponseInvalid for %s", ([, text]) => {
    const { layer } = served(() => batchResponse(text))
    return Effect.gen(function* () {
      const error = failureOf(yield* Effect.exit(DomainApi.batch(operations)))
      assert(error._tag === "ResponseInvalid", error._tag)
      assert.strictEqual(error.entitySet, "$batch")
      assert.include(error.reason, "the changes may have been written")
    }).pipe(Effect.provide(layer))
  })

  it.effect("sees two answers that changed places", () => {
    const { layer } = served(() => batchResponse(answers([p2, p1, cs, p3])))
    return Effect.gen(function* () {
      const { one, three, two } = yield* DomainApi.batch(operations)
      for (const result of [one, two]) {
        const error = Either.getOrThrow(Either.flip(result))
        assert(error._tag === "ResponseInvalid")
        assert.strictEqual(error.path, "@odata.id")
      }
      assert.isTrue(Either.isRight(three))
    }).pipe(Effect.provide(layer))
  })

  it.effect("gives no secret away where the server repeats the token", () => {
    const { layer } = served(() =>
      batchResponse(answers([httpText({ status: 500, body: { error: { message: "token-1 is bad", code: 1 } } })]))
    )
    return Effect.gen(function* () {
      const { one } = yield* DomainApi.batch({ one: operations.one })
      const error = Either.getOrThrow(Either.flip(one))
      assert.strictEqual(error._tag, "ServerError")
      assert.notInclude(JSON.stringify(error) + error.message, "token-1")
    }).pipe(Effect.provide(layer))
  })

  // What damages an answer on its way.
  const damage = FastCheck.oneof(
    FastCheck.nat(good.length).map((at) => good.slice(0, at)),
    FastCheck.nat(good.length).map((at) => good.slice(at)),
    FastCheck.tuple(FastCheck.nat(good.length), FastCheck.nat(80)).map(
      ([at, length]) => good.slice(0, at) + good.slice(at + length)
    ),
    FastCheck.tuple(
      FastCheck.nat(good.length),
      FastCheck.oneof(
        FastCheck.string({ maxLength: 6 }),
        FastCheck.constantFrom("--br\r\n", "--cs--", "\r\n\r\n", "--br--")
      )
    ).map(([at, text]) => good.slice(0, at) + text + good.slice(at)),
    FastCheck.array(FastCheck.constantFrom(p1, p2, cs, p3, ids("2", "1"), ids("1")), { maxLength: 6 }).map(answers)
  )

  it.effect("never throws and never pairs wrongly, whatever happens to the answer", () => {
    let text = good
    const { layer } = served(() => batchResponse(text))
    return Effect.gen(function* () {
      const damaged = FastCheck.sample(damage, 400)
      let whole = 0
      for (const sample of damaged) {
        text = sample
        const exit = yield* Effect.exit(DomainApi.batch(operations))
        if (exit._tag === "Failure") {
          assert.strictEqual(failureOf(exit)._tag, "ResponseInvalid")
          continue
        }
        whole += 1
        const { one, three, two } = exit.value
        for (const [n, result] of [
          [1, one],
          [2, two],
          [3, three]
        ] as const) {
          if (Either.isRight(result)) assert.strictEqual(result.right.Id, id(n), sample)
        }
      }
      // Neither all of them nor none.
      assert.isAbove(whole, 0)
      assert.isBelow(whole, damaged.length)
    }).pipe(Effect.provide(layer))
  })
})

describe("Batch", () => {
  it("the id of an operation is an EntityId or its text", () => {
    const entity = Option.getOrThrow(ComplexType.makeEntityId("Crm_Sales_Customers", id(1).toUpperCase()))
    assert.deepStrictEqual(Batch.get(Customers, entity).request, Batch.get(Customers, id(1)).request)
  })
})
