import { assert, describe, it } from "@effect/vitest"
import {
  BigDecimal,
  Cause,
  Chunk,
  Duration,
  Effect,
  Either,
  Exit,
  FastCheck,
  Fiber,
  Layer,
  Option,
  Predicate,
  Schema,
  Stream,
  TestClock
} from "effect"
import { ComplexType, DomainApi, type EntityInput, EntitySet, ErpNet, ErpNetError, Filter, Import } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { apiJournal, failureOf } from "./support/domain.ts"
import { type Answer, type Call, type FakeApi, fakeApi, settled, tokenNumber, unauthorized } from "./support/fakeApi.ts"
import { application, instance } from "./support/fixtures.ts"
import { leaks, needlesOf } from "./support/leaks.ts"
import { recordingTracer } from "./support/recordingTracer.ts"

const Code = Schema.Struct({ Code: Schema.String })

const Products = EntitySet.make(
  "General_Products_Products",
  Schema.Struct({
    ExternalId: Schema.NullOr(Schema.String),
    PartNumber: Schema.String.pipe(Schema.maxLength(12)),
    Name: ComplexType.MultilanguageString,
    ABCClass: Schema.String,
    MeasurementUnit: EntitySet.expand(Code),
    ProductGroup: EntitySet.expand(Code),
    StandardPricePerLot: ComplexType.Amount
  })
)

const type = "Erp.General_Products_Product"

const product = (n: number) => ({
  ExternalId: `EXT-${n}`,
  PartNumber: `P-${n}`,
  Name: { EN: `Lamp ${n}` },
  MeasurementUnit: { Code: "PCS" },
  ProductGroup: { Code: "FUR" }
})
type Product = ReturnType<typeof product>

const range = (from: number, to: number): ReadonlyArray<number> => Array.from({ length: to - from }, (_, n) => from + n)

/** The products with these numbers, one by one. */
const products = (from: number, to: number) => Stream.fromIterable(range(from, to).map(product))

const tooLong = "X".repeat(13)

const summary = (result: Import.Result<unknown>): string =>
  Either.match(result.outcome, { onLeft: (error) => error._tag, onRight: ({ state }) => state })

const summaries = (results: Iterable<Import.Result<unknown>>): ReadonlyArray<string> => [...results].map(summary)

/** The results so far and what ended the stream. */
const collect = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.gen(function* () {
    const results: Array<A> = []
    const exit = yield* Effect.exit(Stream.runForEach(stream, (result) => Effect.sync(() => results.push(result))))
    return { results, exit }
  })

const runAll = <A, E, R>(stream: Stream.Stream<A, E, R>) => Effect.map(Stream.runCollect(stream), Chunk.toReadonlyArray)

const unwrapError = (result: Import.Result<unknown> | undefined): Import.RowError =>
  Either.match(result?.outcome ?? Either.right(undefined), {
    onLeft: (error) => error,
    onRight: () => assert.fail("expected a failure")
  })

// --- the embedded instance ------------------------------------------------------------------------------------------

const credentials = ErpNetEmulator.demoCredentials

const embedded = (options: ErpNet.ServiceOptions = {}) =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, (erp) =>
      Layer.orDie(ErpNet.layer({ ...options, instance: erp.instance, credentials }))
    )
  ).pipe(Layer.provideMerge(ErpNetEmulator.layer({ customers: 1, products: 1, salesOrders: 1 })))

const imports = Effect.map(apiJournal, (entries) => entries.filter((entry) => entry.path.endsWith("/Import")))

/** How many products of the tests the instance holds. */
const stored = DomainApi.count(Products, { filter: Filter.startsWith("PartNumber", "P-") })

// --- a server that the test writes ----------------------------------------------------------------------------------

const services = (fake: Pick<FakeApi, "layer">, options: ErpNet.ServiceOptions = {}) =>
  Layer.provide(Layer.orDie(ErpNet.layer({ ...options, instance, credentials: application })), fake.layer)

interface Body {
  readonly objects: ReadonlyArray<Readonly<Record<string, unknown>>>
}

const objectsOf = (call: Call): Body["objects"] => {
  const body: Body = JSON.parse(call.text)
  return body.objects
}

/** The id that the fake server gives to an object: its part number tells which one it is. */
const idOf = (partNumber: unknown): string =>
  `00000000-0000-4000-8000-${String(partNumber).replace(/\D/g, "").padStart(12, "0")}`

const success = (partNumber: unknown, state = "Added") => ({
  "@erpnet.result": "success",
  "@odata.id": `General_Products_Products(${idOf(partNumber)})`,
  "@erpnet.state": state
})

const fail = (message: string, error: object = {}) => ({
  "@erpnet.result": "fail",
  "@erpnet.message": message,
  "@erpnet.error": { message, code: 0, type: "InvalidOperationException", info: "stack trace", ...error }
})

const answer = (objects: ReadonlyArray<unknown>, more: object = {}): Response =>
  Response.json({ "@erpnet.result": "success", objects, ...more })

const saveAll = (call: Call): Response => answer(objectsOf(call).map((object) => success(object["PartNumber"])))

/** A server that answers the imports in turn, and saves everything after that. */
const answering = (...answers: ReadonlyArray<(call: Call) => Answer | Effect.Effect<Answer>>): FakeApi =>
  fakeApi((call, index) => (answers[index - 1] ?? saveAll)(call))

describe("Import.run: the request", () => {
  it.effect("is one POST for each chunk, with every option said and the annotations first", () => {
    const fake = answering()
    const price = { Value: BigDecimal.unsafeFromString("12345678901234.5678"), Currency: "EUR" }
    const { Name, ...rest } = product(1)
    return Effect.gen(function* () {
      yield* runAll(Import.run(Products, Stream.make({ StandardPricePerLot: price, ...rest, Name }), { type }))
      assert.deepStrictEqual(
        fake.calls.map(({ contentType, method, text, url }) => ({ contentType, method, text, path: url.pathname })),
        [
          {
            contentType: "application/json",
            method: "POST",
            path: "/api/domain/odata/Import",
            text:
              `{"model":"frontend","transaction":"per-object","loggingLevel":2,"objects":[` +
              `{"@odata.type":"${type}","@erpnet.action":"merge",` +
              `"StandardPricePerLot":{"Value":12345678901234.5678,"Currency":"EUR"},` +
              `"ExternalId":"EXT-1","PartNumber":"P-1","MeasurementUnit":{"Code":"PCS"},"ProductGroup":{"Code":"FUR"},` +
              `"Name":{"EN":"Lamp 1"}}]}`
          }
        ]
      )
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("says what the options say, and a row's own annotations go before them", () => {
    const fake = answering()
    const findBy = { Code: "P-2" }
    const inputs: ReadonlyArray<EntityInput.EntityInput<EntitySet.Type<typeof Products>>> = [
      { PartNumber: "P-1", "@odata.type": undefined, "@erpnet.action": undefined },
      { PartNumber: "P-2", "@odata.type": "#Erp.Other", "@erpnet.action": "delete", "@erpnet.findBy": findBy }
    ]
    return Effect.gen(function* () {
      yield* runAll(
        Import.run(Products, Stream.fromIterable(inputs), {
          type,
          action: "update",
          model: "common",
          transaction: "all-objects",
          loggingLevel: 0,
          headers: { "x-test": "1" },
          context: { enterpriseCompany: idOf(7) }
        })
      )
      const [call] = fake.calls
      assert.deepStrictEqual(JSON.parse(call?.text ?? ""), {
        model: "common",
        transaction: "all-objects",
        loggingLevel: 0,
        objects: [
          { "@odata.type": type, "@erpnet.action": "update", PartNumber: "P-1" },
          { "@odata.type": "#Erp.Other", "@erpnet.action": "delete", "@erpnet.findBy": findBy, PartNumber: "P-2" }
        ]
      })
      assert.strictEqual(call?.headers["x-test"], "1")
      assert.include(call?.url.search, idOf(7))
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("is not made for no rows, nor for a context that is none", () => {
    const fake = answering()
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* runAll(Import.run(Products, Stream.empty, { type })), [])
      const wrong = Import.run(Products, products(0, 1), { type, context: { role: "nobody" } })
      assert.strictEqual(failureOf(yield* Effect.exit(Stream.runDrain(wrong)))._tag, "InvalidQuery")
      assert.lengthOf(fake.calls, 0)
    }).pipe(Effect.provide(services(fake)))
  })

  for (const chunkSize of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it.effect(`is not made with a chunkSize of ${chunkSize}, which is a defect`, () => {
      const fake = answering()
      return Effect.gen(function* () {
        const exit = yield* Effect.exit(Stream.runDrain(Import.run(Products, products(0, 1), { type, chunkSize })))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
        assert.lengthOf(fake.calls, 0)
      }).pipe(Effect.provide(services(fake)))
    })
  }
})

describe("Import.run: the results", () => {
  it.effect("come in the order of the rows, each at its row, and a second import changes nothing", () =>
    Effect.gen(function* () {
      const rows = products(0, 250).pipe(
        Stream.map((row) => (row.PartNumber === "P-120" ? { ...row, ProductGroup: { Code: "LOST" } } : row)),
        Stream.map((row) => (row.PartNumber === "P-130" ? { ...row, PartNumber: "P-3" } : row)),
        Stream.map((row) => (row.PartNumber === "P-140" ? { ...row, PartNumber: tooLong } : row))
      )
      const job = Import.run(Products, rows, { type })
      const failed = new Map([
        [120, "ImportFailure"],
        [130, "ImportFailure"],
        [140, "InvalidValue"]
      ])
      const first = yield* runAll(job)
      assert.deepStrictEqual(
        first.map(({ index, input }) => [index, input.ExternalId]),
        range(0, 250).map((n) => [n, `EXT-${n}`])
      )
      assert.deepStrictEqual(
        summaries(first),
        range(0, 250).map((n) => failed.get(n) ?? "Added")
      )
      assert.deepStrictEqual(
        (yield* imports).map((entry) => JSON.parse(String(entry.body)).objects.length),
        [100, 99, 50]
      )
      const group = unwrapError(first[120])
      assert.instanceOf(group, ErpNetError.ImportFailure)
      assert.deepInclude(group, {
        detail: 'Object not found: ProductGroup, action: find, findBy: {"Code":"LOST"}.',
        code: 0,
        type: "InvalidOperationException"
      })
      const duplicate = unwrapError(first[130])
      assert.deepInclude(duplicate, { _tag: "ImportFailure", code: 2129 })
      assert.match(duplicate.message, /Prohibited duplication/)
      assert.deepInclude(unwrapError(first[140]), { _tag: "InvalidValue", path: "PartNumber" })

      // The ids are those of the rows, not only ids.
      const rowsThere = yield* DomainApi.list(
        EntitySet.make("General_Products_Products", Schema.Struct({ Id: Schema.UUID, PartNumber: Schema.String })),
        { filter: Filter.startsWith("PartNumber", "P-") }
      )
      const ids = new Map(rowsThere.map(({ Id, PartNumber }) => [PartNumber, Id]))
      assert.strictEqual(ids.size, 247)
      for (const { input, outcome } of first) {
        if (Either.isRight(outcome)) assert.strictEqual(outcome.right.id?.id, ids.get(input.PartNumber))
      }

      const second = yield* runAll(job)
      assert.deepStrictEqual(
        summaries(second),
        range(0, 250).map((n) => failed.get(n) ?? "Unchanged")
      )
      assert.deepStrictEqual(
        second.map(({ index }) => index),
        range(0, 250)
      )
      assert.strictEqual(yield* stored, 247)
    }).pipe(Effect.provide(embedded()))
  )

  it.effect("tell what was changed and what was deleted", () =>
    Effect.gen(function* () {
      yield* Stream.runDrain(Import.run(Products, products(0, 3), { type }))
      const changed = Stream.make({ ...product(0), ABCClass: "C" }, product(1))
      assert.deepStrictEqual(summaries(yield* runAll(Import.run(Products, changed, { type }))), [
        "Modified",
        "Unchanged"
      ])
      const gone = Stream.make({ ExternalId: "EXT-2" })
      assert.deepStrictEqual(summaries(yield* runAll(Import.run(Products, gone, { type, action: "delete" }))), [
        "Deleted"
      ])
      assert.strictEqual(yield* stored, 2)
    }).pipe(Effect.provide(embedded()))
  )

  it.effect("are there for a chunk of which nothing could be sent", () => {
    const fake = answering()
    return Effect.gen(function* () {
      const rows = products(0, 5).pipe(
        Stream.map((row) => (["P-0", "P-1", "P-3"].includes(row.PartNumber) ? { ...row, PartNumber: tooLong } : row))
      )
      const results = yield* runAll(Import.run(Products, rows, { type, chunkSize: 2 }))
      assert.deepStrictEqual(summaries(results), ["InvalidValue", "InvalidValue", "Added", "InvalidValue", "Added"])
      assert.deepStrictEqual(
        fake.calls.map((call) => objectsOf(call).map((object) => object["PartNumber"])),
        [["P-2"], ["P-4"]]
      )
      assert.strictEqual(
        JSON.stringify(results.map(({ outcome }) => Either.isRight(outcome) && outcome.right.id?.id)),
        JSON.stringify([false, false, idOf("P-2"), false, idOf("P-4")])
      )
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("are read under both names, whatever else the server sends with them", () => {
    const id = `General_Products_Products(${idOf(0)})`
    const fake = answering(() =>
      Response.json({
        result: "fail",
        objects: [
          {
            result: "success",
            "@odata.id": `https://testdb.my.erp.net/api/domain/odata/${id}`,
            "@erpnet.state": "Modified"
          },
          { "@erpnet.result": "success", "@erpnet.state": "Unchanged", more: 1 },
          { result: "fail", "@erpnet.message": "one\r\ntwo" },
          { "@erpnet.result": "fail", "@erpnet.error": { message: "inner", code: "2029", type: null } },
          { "@erpnet.result": "fail", "@erpnet.error": null }
        ]
      })
    )
    return Effect.gen(function* () {
      const results = yield* runAll(Import.run(Products, products(0, 5), { type }))
      const [first, second] = results.map(({ outcome }) => Either.getOrUndefined(outcome))
      assert.strictEqual(first?.id && ComplexType.formatEntityId(first.id), id)
      assert.deepStrictEqual(second, { id: undefined, state: "Unchanged" })
      assert.deepStrictEqual(
        results.slice(2).map((result) => {
          const error = unwrapError(result)
          assert(error._tag === "ImportFailure")
          return { code: error.code, detail: error.detail, type: error.type }
        }),
        [
          { code: undefined, detail: "one two", type: undefined },
          { code: 2029, detail: "inner", type: undefined },
          { code: undefined, detail: "ERP.net names no reason.", type: undefined }
        ]
      )
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("that cannot be understood are failures of their rows alone", () => {
    const odd: ReadonlyArray<readonly [unknown, string]> = [
      [{ ...success(1), "@erpnet.state": "Melted" }, "objects[1].@erpnet.state"],
      [{ ...success(1), "@erpnet.state": undefined }, "objects[2].@erpnet.state"],
      [{ ...success(1), "@odata.id": "nowhere" }, "objects[3].@odata.id"],
      [{ ...success(1), "@erpnet.result": "perhaps" }, "objects[4].@erpnet.result"],
      [{ ...success(1), "@erpnet.result": true }, "objects[5].@erpnet.result"],
      [null, "objects[6].@erpnet.result"],
      ["success", "objects[7].@erpnet.result"]
    ]
    const fake = answering(() => answer([success("P-0"), ...odd.map(([object]) => object), success("P-8")]))
    return Effect.gen(function* () {
      const results = yield* runAll(Import.run(Products, products(0, 9), { type }))
      assert.deepStrictEqual(
        results.slice(1, 8).map((result) => {
          const error = unwrapError(result)
          assert(error._tag === "ResponseInvalid")
          assert.notMatch(error.message, /Melted|nowhere|perhaps/)
          return error.path
        }),
        odd.map(([, path]) => path)
      )
      assert.deepStrictEqual(
        [results[0], results[8]].map((result) => result && summary(result)),
        ["Added", "Added"]
      )
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("show no secret and no stack trace", () => {
    const token = tokenNumber(1)
    const fake = answering(() =>
      answer([fail(`who sent ${token}?`, { type: `Bad.${token}` }), fail("a\u0000b\nc".repeat(500))])
    )
    return Effect.gen(function* () {
      const results = yield* runAll(Import.run(Products, products(0, 2), { type }))
      assert.deepStrictEqual(yield* leaks(results, needlesOf("token", token)), [])
      assert.deepStrictEqual(summaries(results), ["ImportFailure", "ImportFailure"])
      assert.isAtMost(unwrapError(results[1]).message.length, 600)
      assert.notMatch(JSON.stringify(results), /stack trace|\\u0000|\\n/)
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect.prop(
    "are each at its row, however many there are, wherever some are not sent, whatever the server says",
    {
      words: FastCheck.array(FastCheck.constantFrom("invalid", "fail", "Added", "Unchanged"), { maxLength: 40 }),
      chunkSize: FastCheck.integer({ min: 1, max: 12 }),
      from: FastCheck.integer({ min: 1, max: 7 })
    },
    ({ chunkSize, from, words }) => {
      const wordOf = (object: Readonly<Record<string, unknown>>) => words[Number(String(object["ExternalId"]).slice(4))]
      const fake = fakeApi((call) =>
        answer(
          objectsOf(call).map((object) =>
            wordOf(object) === "fail"
              ? fail(`no ${object["ExternalId"]}`)
              : success(object["PartNumber"], wordOf(object))
          )
        )
      )
      const rows = words.map((word, n) => (word === "invalid" ? { ...product(n), PartNumber: tooLong } : product(n)))
      return Effect.gen(function* () {
        // The chunks of the source are not those of the import.
        const source = Stream.rechunk(Stream.fromIterable(rows), from)
        const results = yield* runAll(Import.run(Products, source, { type, chunkSize }))
        assert.deepStrictEqual(
          results.map(({ index, input, outcome }) => [
            index,
            input,
            Either.match(outcome, {
              onLeft: (error) => (error._tag === "ImportFailure" ? error.detail : error._tag),
              onRight: ({ id, state }) => `${state} ${id?.id}`
            })
          ]),
          rows.map((row, n) => {
            const word = words[n]
            const expected =
              word === "invalid" ? "InvalidValue" : word === "fail" ? `no EXT-${n}` : `${word} ${idOf(n)}`
            return [n, row, expected]
          })
        )
        assert.isTrue(fake.calls.every((call) => objectsOf(call).length <= chunkSize))
      }).pipe(Effect.provide(services(fake)))
    }
  )
})

describe("Import.run: an answer that does not belong to its chunk", () => {
  const good = (n: number) => range(0, n).map((number) => success(number))
  const cases: ReadonlyArray<readonly [string, () => Response, string, RegExp]> = [
    ["too few results", () => answer(good(1)), "objects", /expected 2 results, found 1/],
    ["too many results", () => answer(good(3)), "objects", /expected 2 results, found 3/],
    ["no results", () => answer([]), "objects", /expected 2 results, found 0/],
    ["no list of results", () => Response.json({ objects: {} }), "objects", /expected an array/],
    ["no object", () => Response.json(null), "objects", /expected an array/],
    ["no JSON", () => new Response("<html>"), "", /not JSON/],
    ["nothing", () => new Response(null, { status: 204 }), "", /not JSON/]
  ]
  for (const [name, reply, path, reason] of cases) {
    it.effect(`${name}: ResponseInvalid with the rows, after the results before them`, () => {
      const fake = answering(saveAll, reply)
      return Effect.gen(function* () {
        const { exit, results } = yield* collect(Import.run(Products, products(0, 6), { type, chunkSize: 2 }))
        assert.deepStrictEqual(summaries(results), ["Added", "Added"])
        const error = failureOf(exit)
        assert(error._tag === "ResponseInvalid")
        assert.strictEqual(error.path, path)
        assert.match(error.reason, reason)
        assert.match(error.message, /rows 2 to 3 of the import may have been saved/)
        assert.lengthOf(fake.calls, 2)
      }).pipe(Effect.provide(services(fake)))
    })
  }
})

describe("Import.run: a lost answer", () => {
  const faults: ReadonlyArray<readonly [string, ErpNetEmulator.Fault, number]> = [
    ["a connection that breaks before the answer", ErpNetEmulator.Fault.resetAfterExecution, 300],
    ["an answer that breaks off", ErpNetEmulator.Fault.truncated(), 300],
    ["a connection that breaks before anything was done", ErpNetEmulator.Fault.reset, 200],
    ["a gateway that gave up", ErpNetEmulator.Fault.status(504), 200]
  ]
  for (const [name, fault, there] of faults) {
    it.effect(`${name}: OutcomeUnknown with the rows, sent once; from there on it can be repeated`, () =>
      Effect.gen(function* () {
        const { failNext } = yield* ErpNetEmulator.ErpNetEmulator
        const job = (rows: Stream.Stream<Product>) =>
          Import.run(Products, rows, {
            type,
            onProgress: ({ processed }) => (processed === 200 ? failNext("api", fault) : Effect.void)
          })
        const { exit, results } = yield* collect(job(products(0, 450)))
        assert.lengthOf(results, 200)
        assert.isTrue(summaries(results).every((word) => word === "Added"))
        const error = failureOf(exit)
        assert(error._tag === "OutcomeUnknown")
        assert.deepInclude(error, { firstRow: 200, lastRow: 299, method: "POST" })
        assert.instanceOf(error, ErpNetError.OutcomeUnknown)
        assert.isTrue(ErpNetError.isErpNetError(error))
        assert.isFalse(ErpNetError.isTransient(error))
        assert.match(error.message, /^Rows 200 to 299 of the import: POST .*Import was sent, but its answer is lost/)
        assert.lengthOf(yield* imports, 3)
        assert.strictEqual(yield* stored, there)

        const again = yield* runAll(Import.run(Products, Stream.drop(products(0, 450), error.firstRow), { type }))
        assert.deepStrictEqual(
          summaries(again),
          range(200, 450).map((n) => (n < there ? "Unchanged" : "Added"))
        )
        assert.strictEqual(yield* stored, 450)
      }).pipe(Effect.provide(embedded()))
    )
  }

  it.effect("no answer in time: OutcomeUnknown; the rows are those of the chunk, sent or not", () => {
    const fake = answering(saveAll, () => Effect.never)
    const rows = Stream.map(products(0, 5), (row) => (row.PartNumber === "P-4" ? { ...row, PartNumber: tooLong } : row))
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(collect(Import.run(Products, rows, { type, chunkSize: 3 })))
      yield* settled(() => fake.calls.length === 2)
      yield* TestClock.adjust("10 seconds")
      const { exit, results } = yield* Fiber.join(fiber)
      assert.lengthOf(results, 3)
      assert.deepInclude(failureOf(exit), { _tag: "OutcomeUnknown", reason: "timeout", firstRow: 3, lastRow: 4 })
      assert.lengthOf(fake.calls, 2)
    }).pipe(Effect.provide(services(fake, { callTimeout: "10 seconds" })))
  })
})

describe("Import.run: what is sent again", () => {
  const licence = () =>
    Response.json(
      { error: { message: "none free", code: 8, type: "Aloe.SystemFrameworks.E1LicenseException" } },
      { status: 503, headers: { "retry-after": "5" } }
    )

  it.effect("a chunk that found no free licence, and one whose token was refused", () => {
    const fake = answering(saveAll, licence, () => unauthorized())
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(runAll(Import.run(Products, products(0, 4), { type, chunkSize: 2 })))
      yield* settled(() => fake.calls.length === 2)
      yield* TestClock.adjust(Duration.millis(4999))
      assert.lengthOf(fake.calls, 2)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(summaries(yield* Fiber.join(fiber)), ["Added", "Added", "Added", "Added"])
      assert.lengthOf(fake.calls, 4)
      assert.strictEqual(new Set(fake.calls.slice(1).map((call) => call.text)).size, 1)
      assert.notStrictEqual(fake.calls[2]?.token, fake.calls[3]?.token)
    }).pipe(Effect.provide(services(fake)))
  })

  const refusals: ReadonlyArray<readonly [number, string]> = [
    [400, "ServerError"],
    [403, "Forbidden"],
    [404, "NotFound"],
    [429, "RateLimited"],
    [500, "ServerError"],
    [502, "OutcomeUnknown"],
    [503, "ServerError"]
  ]
  for (const [status, tag] of refusals) {
    it.effect(`no chunk that was answered ${status}: ${tag}`, () => {
      const fake = answering(saveAll, () => new Response(null, { status }))
      return Effect.gen(function* () {
        const { exit, results } = yield* collect(Import.run(Products, products(0, 6), { type, chunkSize: 2 }))
        assert.strictEqual(failureOf(exit)._tag, tag)
        assert.lengthOf(results, 2)
        assert.lengthOf(fake.calls, 2)
      }).pipe(Effect.provide(services(fake)))
    })
  }
})

describe("Import.run: all-objects", () => {
  const atomic = { type, transaction: "all-objects", chunkSize: 3 } as const
  const withOne = (n: number, change: Partial<Product>) =>
    products(0, 9).pipe(Stream.map((row) => (row.PartNumber === `P-${n}` ? { ...row, ...change } : row)))
  const chunk = (words: ReadonlyArray<string>) => ["Added", "Added", "Added", ...words, "Added", "Added", "Added"]

  it.effect("saves all objects of a chunk or none, and leaves the other chunks alone", () =>
    Effect.gen(function* () {
      const lost = withOne(4, { ProductGroup: { Code: "LOST" } })
      const results = yield* runAll(Import.run(Products, lost, atomic))
      assert.deepStrictEqual(summaries(results), chunk(["ImportFailure", "ImportFailure", "ImportFailure"]))
      assert.match(unwrapError(results[4]).message, /ProductGroup/)
      assert.strictEqual(yield* stored, 6)
      assert.deepStrictEqual(summaries(yield* runAll(Import.run(Products, products(0, 9), atomic))), [
        ...["Unchanged", "Unchanged", "Unchanged"],
        ...["Added", "Added", "Added"],
        ...["Unchanged", "Unchanged", "Unchanged"]
      ])
    }).pipe(Effect.provide(embedded()))
  )

  it.effect("does not send a chunk with a row that does not fit its Schema", () =>
    Effect.gen(function* () {
      const results = yield* runAll(Import.run(Products, withOne(4, { PartNumber: tooLong }), atomic))
      assert.deepStrictEqual(summaries(results), chunk(["ImportFailure", "InvalidValue", "ImportFailure"]))
      assert.match(unwrapError(results[3]).message, /not saved, because/)
      assert.lengthOf(yield* imports, 2)
      assert.strictEqual(yield* stored, 6)
    }).pipe(Effect.provide(embedded()))
  )

  it.effect("believes no success in a chunk that failed, and takes an odd result for no failure", () => {
    const odd = { ...success("P-1"), "@erpnet.state": "Melted" }
    const fake = answering(
      () => answer([success("P-0"), fail("no"), success("P-2")], { "@erpnet.result": "fail" }),
      () => answer([success("P-3"), success("P-4"), success("P-5")], { "@erpnet.result": "fail" }),
      () => answer([success("P-6"), odd, success("P-8")])
    )
    return Effect.gen(function* () {
      const results = yield* runAll(Import.run(Products, products(0, 9), atomic))
      assert.deepStrictEqual(summaries(results), [
        ...["ImportFailure", "ImportFailure", "ImportFailure"],
        ...["ImportFailure", "ImportFailure", "ImportFailure"],
        ...["Added", "ResponseInvalid", "Added"]
      ])
      assert.deepInclude(unwrapError(results[1]), { detail: "no" })
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("per-object: the word for the whole request changes no result", () => {
    const fake = answering(() => answer([success("P-0"), fail("no"), success("P-2")], { "@erpnet.result": "fail" }))
    return Effect.gen(function* () {
      const results = yield* runAll(Import.run(Products, products(0, 3), { type }))
      assert.deepStrictEqual(summaries(results), ["Added", "ImportFailure", "Added"])
    }).pipe(Effect.provide(services(fake)))
  })
})

describe("Import.run: one chunk at a time", () => {
  it.effect("takes and sends a chunk only when the results of the last have been consumed", () => {
    const fake = answering()
    let taken = 0
    const source = Stream.unfold(0, (n) => {
      taken += 1
      return n < 1000 ? Option.some([product(n), n + 1] as const) : Option.none()
    })
    return Effect.gen(function* () {
      const seen: Array<readonly [calls: number, taken: number]> = []
      yield* Import.run(Products, source, { type, chunkSize: 10 }).pipe(
        Stream.take(35),
        Stream.runForEach(() =>
          Effect.gen(function* () {
            // Whatever could run ahead of the consumer has its chance.
            yield* Effect.repeatN(Effect.yieldNow(), 20)
            seen.push([fake.calls.length, taken])
          })
        )
      )
      assert.deepStrictEqual(
        seen,
        range(0, 35).map((n) => [Math.floor(n / 10) + 1, (Math.floor(n / 10) + 1) * 10] as const)
      )
      assert.lengthOf(fake.calls, 4)
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("has one request in flight, and aborts it when it is interrupted", () => {
    let aborted = 0
    const hanging = Effect.onInterrupt(Effect.never, () =>
      Effect.sync(() => {
        aborted += 1
      })
    )
    const fake = answering(saveAll, () => hanging)
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runDrain(Import.run(Products, products(0, 50), { type, chunkSize: 5 })))
      yield* settled(() => fake.calls.length === 2)
      yield* Effect.repeatN(Effect.yieldNow(), 50)
      assert.lengthOf(fake.calls, 2)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(fiber)))
      assert.strictEqual(aborted, 1)
      assert.lengthOf(fake.calls, 2)
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("does nothing before it is run", () => {
    const fake = answering()
    return Effect.gen(function* () {
      const job = Import.run(Products, Stream.die("taken"), { type, onProgress: () => Effect.die("reported") })
      yield* Effect.yieldNow()
      assert.isTrue(Predicate.isNotNullable(job))
      assert.lengthOf(fake.calls, 0)
      assert.lengthOf(fake.exchanges, 0)
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("imports what came before the source failed, and fails with its error", () => {
    const fake = answering()
    return Effect.gen(function* () {
      const source = Stream.concat(products(0, 5), Stream.fail("no more" as const))
      const { exit, results } = yield* collect(Import.run(Products, source, { type, chunkSize: 3 }))
      assert.deepStrictEqual(summaries(results), ["Added", "Added", "Added", "Added", "Added"])
      assert.strictEqual(failureOf(exit), "no more")
      assert.deepStrictEqual(
        fake.calls.map((call) => objectsOf(call).length),
        [3, 2]
      )
    }).pipe(Effect.provide(services(fake)))
  })
})

describe("Import.run: what can be observed", () => {
  it.effect("progress at the start and after every chunk, with the log that the server keeps", () => {
    const log = `Systems_Exchange_DataExchanges(${idOf(9)})`
    const fake = answering(
      () => answer([success(0), success(1, "Modified"), fail("no")], { "data-exchange": log }),
      () => answer([success(3, "Unchanged"), success(4, "Deleted")])
    )
    return Effect.gen(function* () {
      const seen: Array<Import.Progress> = []
      const onProgress = (progress: Import.Progress) => Effect.sync(() => seen.push(progress))
      yield* Stream.runDrain(Import.run(Products, products(0, 5), { type, chunkSize: 3, onProgress }))
      const start = {
        processed: 0,
        added: 0,
        modified: 0,
        deleted: 0,
        unchanged: 0,
        failed: 0,
        dataExchange: undefined
      }
      const middle = { ...start, processed: 3, added: 1, modified: 1, failed: 1 }
      assert.deepStrictEqual(
        seen.map(({ dataExchange, ...counts }) => ({
          ...counts,
          dataExchange: dataExchange && ComplexType.formatEntityId(dataExchange)
        })),
        [start, { ...middle, dataExchange: log }, { ...middle, processed: 5, unchanged: 1, deleted: 1 }]
      )
    }).pipe(Effect.provide(services(fake)))
  })

  it.effect("one span for each chunk", () => {
    const fake = answering()
    const { spans, tracer } = recordingTracer()
    return Effect.gen(function* () {
      yield* Stream.runDrain(Import.run(Products, products(0, 5), { type, chunkSize: 3 }))
      assert.deepStrictEqual(
        spans.flatMap(({ attributes, name, outcome }) => (name === "Import.chunk" ? [{ ...attributes, outcome }] : [])),
        [0, 3].map((first) => ({
          "erpnet.entity_set": "General_Products_Products",
          "erpnet.import.first_row": first,
          "erpnet.import.rows": first === 0 ? 3 : 2,
          outcome: "success" as const
        }))
      )
    }).pipe(Effect.withTracer(tracer), Effect.provide(services(fake)))
  })
})

describe("Import.summarize", () => {
  const failure = new ErpNetError.ImportFailure({ detail: "no" })
  const result = (index: number, outcome: Import.Result<string>["outcome"]): Import.Result<string> => ({
    index,
    input: `row ${index}`,
    outcome
  })
  const states: ReadonlyArray<Import.State> = ["Added", "Added", "Modified", "Deleted", "Unchanged"]
  const results = range(0, 20).map((n) => {
    const state = states[n]
    return result(n, state === undefined ? Either.left(failure) : Either.right({ id: undefined, state }))
  })
  const counts = { processed: 20, added: 2, modified: 1, deleted: 1, unchanged: 1, failed: 15 }

  for (const [failures, kept] of [
    [undefined, 10],
    [2, 2],
    [0, 0],
    [100, 15]
  ] as const) {
    it.effect(`counts, and keeps the first ${kept} failures of 15 where told ${failures}`, () =>
      Effect.gen(function* () {
        const summed = yield* Stream.run(Stream.fromIterable(results), Import.summarize({ failures }))
        assert.deepStrictEqual(summed, {
          ...counts,
          failures: range(5, 5 + kept).map((index) => ({ index, input: `row ${index}`, error: failure }))
        })
      })
    )
  }

  it.effect("of nothing is zero", () =>
    Effect.gen(function* () {
      const { failures, ...zeros } = yield* Stream.run(Stream.empty, Import.summarize())
      assert.deepStrictEqual(failures, [])
      assert.deepStrictEqual(new Set(Object.values(zeros)), new Set([0]))
    })
  )
})
