/** Nothing that is missing passes for the whole: full pages without a link, children that were cut, limits, resuming. */
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Effect, FastCheck, Option, Schema, Stream } from "effect"
import { ComplexType, DomainApi, EntitySet, Operation } from "effect-erpnet"
import { Customers, emulated, failureOf, fakeDomain, id, page, type Reply, row, rows } from "../support/domain.ts"

const root = "https://testdb.my.erp.net/api/domain/odata/"

/** A server that knows $top and $skip, and no links. */
const withoutLinks =
  (total: number) =>
  (call: { readonly url: URL }): Reply => {
    const skip = Number(call.url.searchParams.get("$skip") ?? "0")
    const top = Number(call.url.searchParams.get("$top") ?? String(total))
    return page(rows(skip, Math.min(total, skip + top)))
  }

describe("a full page without a link", () => {
  for (const version of ["25.1.0.64", "26.1.0.1", "26.2.0.1"]) {
    it.effect(`all rows of an instance of version ${version}`, () =>
      Effect.gen(function* () {
        const all = yield* Stream.runCount(DomainApi.stream(Customers))
        assert.strictEqual(all, 2500)
        assert.strictEqual((yield* DomainApi.list(Customers)).length, 2500)
        assert.strictEqual(yield* DomainApi.count(Customers), 2500)
      }).pipe(Effect.provide(emulated({ version, customers: 2500 })))
    )
  }

  for (const [total, pageSize, requests] of [
    [25, 10, 3],
    [30, 10, 4],
    [0, 10, 1],
    [9, 10, 1]
  ] as const) {
    it.effect(`${total} rows in pages of ${pageSize} are ${requests} requests`, () => {
      const fake = fakeDomain(withoutLinks(total))
      return Effect.gen(function* () {
        const taken = yield* Stream.runCollect(DomainApi.stream(Customers, { pageSize }))
        assert.deepStrictEqual(Chunk.toReadonlyArray(taken), rows(0, total))
        assert.lengthOf(fake.calls, requests)
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("goes on from the caller's own $skip", () => {
    const fake = fakeDomain(withoutLinks(35))
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.list(Customers, { skip: 5, pageSize: 10 }), rows(5, 35))
      assert.deepStrictEqual(
        fake.calls.map(({ url }) => url.searchParams.get("$skip")),
        ["5", "15", "25", "35"]
      )
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a server that does not know $skip is found out", () => {
    const fake = fakeDomain(() => page(rows(0, 10)))
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(DomainApi.list(Customers, { pageSize: 10 })))._tag, "PagingLoop")
      assert.lengthOf(fake.calls, 2)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("top, pageSize and maxRows", () => {
  it.effect("top limits the rows that come out, of a list as of a stream", () => {
    const fake = fakeDomain((call) => {
      const index = Number(call.url.searchParams.get("page") ?? "0")
      return page(rows(index * 10, index * 10 + 10), `Crm_Customers?page=${index + 1}`)
    })
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.list(Customers, { top: 25, pageSize: 10 }), rows(0, 25))
      assert.lengthOf(fake.calls, 3)
      const taken = yield* Stream.runCollect(DomainApi.stream(Customers, { top: 25, pageSize: 10 }))
      assert.deepStrictEqual(Chunk.toReadonlyArray(taken), rows(0, 25))
      assert.lengthOf(fake.calls, 6)
      assert.lengthOf(yield* DomainApi.list(Customers, { top: 10 }), 10)
      assert.strictEqual(fake.calls.at(-1)?.url.search, "?$top=10&$select=Id,Number")
      assert.lengthOf(fake.calls, 7)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a list with more rows than it may hold fails, and names the way out", () => {
    const fake = fakeDomain(withoutLinks(31))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(DomainApi.list(Customers, { pageSize: 10, maxRows: 30 }))
      assert.strictEqual(error._tag, "TooManyRows")
      assert.include(error.message, "DomainApi.stream")
      assert.lengthOf(yield* DomainApi.list(Customers, { pageSize: 10, maxRows: 31 }), 31)
      const { all } = yield* Effect.succeed({
        all: yield* Stream.runCount(DomainApi.stream(Customers, { pageSize: 10 }))
      })
      assert.strictEqual(all, 31)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("a stream that failed", () => {
  it.effect("goes on where it stood, without a row twice", () => {
    const fake = fakeDomain((call, index) => {
      if (index === 3) return { status: 500, body: "{}" }
      const number = Number(call.url.searchParams.get("page") ?? "0")
      return page(rows(number * 10, number * 10 + 10), number < 5 ? `Crm_Customers?page=${number + 1}` : undefined)
    })
    return Effect.gen(function* () {
      const stream = DomainApi.stream(Customers, { pageSize: 10 }).pipe(
        Stream.catchAll((error) => {
          assert.strictEqual(error._tag, "ServerError")
          assert.notInclude(JSON.stringify(error), "page=3")
          return DomainApi.stream(Customers, {
            pageSize: 10,
            from: Option.getOrUndefined(DomainApi.positionOf(error))
          })
        })
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(stream)), rows(0, 60))
      assert.lengthOf(fake.calls, 7)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("so it does on a server without links, under a limit", () => {
    const serve = withoutLinks(60)
    const fake = fakeDomain((call, index) => (index === 2 ? { status: 500, body: "{}" } : serve(call)))
    const query = { pageSize: 10, top: 45, skip: 5 }
    return Effect.gen(function* () {
      const stream = DomainApi.stream(Customers, query).pipe(
        Stream.catchAll((error) =>
          DomainApi.stream(Customers, { ...query, from: Option.getOrUndefined(DomainApi.positionOf(error)) })
        )
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(stream)), rows(5, 50))
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("a query that goes on from a link", () => {
  it.effect("to the last page, which is full, reads that page and no other", () => {
    const fake = fakeDomain((call) =>
      call.url.searchParams.has("$skiptoken") ? page(rows(90, 100)) : page(rows(0, 10))
    )
    return Effect.gen(function* () {
      const from = "Crm_Customers?$top=10&$skiptoken=9"
      assert.deepStrictEqual(yield* DomainApi.list(Customers, { pageSize: 10, from }), rows(90, 100))
      assert.lengthOf(fake.calls, 1)
    }).pipe(Effect.provide(fake.layer))
  })
})

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    Id: Schema.UUID,
    Lines: EntitySet.children(Schema.Struct({ LineNo: Schema.Int }))
  })
)

/** An order with two of its three lines. */
const cut = (n: number, link: string = `${root}Crm_Sales_SalesOrders(${id(n)})/Lines?$skip=2`) => ({
  Id: id(n),
  "Lines@odata.count": 3,
  Lines: [{ LineNo: 10 }, { LineNo: 20 }],
  "Lines@odata.nextLink": link
})
const whole = (n: number) => ({ Id: id(n), Lines: [{ LineNo: 10 }, { LineNo: 20 }, { LineNo: 30 }] })
const isRest = (call: { readonly url: URL }): boolean => call.url.pathname.endsWith("/Lines")

describe("children that the server cut", () => {
  const server = (answer: () => Reply) => fakeDomain((call) => (isRest(call) ? page([{ LineNo: 30 }]) : answer()))

  it.effect("are completed in list, stream, get and find", () => {
    const many = server(() => page([cut(1), cut(2)]))
    const one = server(() => ({ body: JSON.stringify(cut(1)) }))
    return Effect.gen(function* () {
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* DomainApi.list(Orders, { top: 5 }), [whole(1), whole(2)])
        const taken = yield* Stream.runCollect(DomainApi.stream(Orders))
        assert.deepStrictEqual(Chunk.toReadonlyArray(taken), [whole(1), whole(2)])
      }).pipe(Effect.provide(many.layer))
      yield* Effect.gen(function* () {
        assert.deepStrictEqual(yield* DomainApi.get(Orders, id(1)), whole(1))
        assert.deepStrictEqual(yield* DomainApi.find(Orders, id(1)), Option.some(whole(1)))
      }).pipe(Effect.provide(one.layer))
    })
  })

  it.effect("are completed in joined lookups", () => {
    const fake = fakeDomain((call) => (isRest(call) ? page([{ LineNo: 30 }]) : page([cut(1), cut(2)])), {
      coalesce: { maxIds: 2 }
    })
    return Effect.gen(function* () {
      const both = yield* Effect.all(
        [DomainApi.get(Orders, id(1), { coalesce: true }), DomainApi.get(Orders, id(2), { coalesce: true })],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(both, [whole(1), whole(2)])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("by a relative link, at any depth, and link after link", () => {
    const Deep = EntitySet.make(
      "Crm_Sales_SalesOrders",
      Schema.Struct({
        Id: Schema.UUID,
        Party: EntitySet.expand(Schema.Struct({ Sites: EntitySet.children(Schema.Struct({ No: Schema.Int })) }))
      })
    )
    const fake = fakeDomain((call) => {
      const at = call.url.searchParams.get("at")
      if (at === "1") return page([{ No: 2 }], "Sites?at=2")
      if (at === "2") return page([{ No: 3 }])
      return page([
        { Id: id(1), Party: { Sites: [{ No: 1 }], "Sites@odata.nextLink": `Parties(${id(7)})/Sites?at=1` } }
      ])
    })
    return Effect.gen(function* () {
      const [found] = yield* DomainApi.list(Deep)
      assert.deepStrictEqual(found?.Party.Sites, [{ No: 1 }, { No: 2 }, { No: 3 }])
      assert.strictEqual(fake.calls[2]?.url.pathname, `/api/domain/odata/Parties(${id(7)})/Sites`)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("fail where the link is foreign, outside the service, goes round, or its answer is an error", () => {
    const cases: ReadonlyArray<readonly [string, string, Reply]> = [
      ["ForeignOrigin", "https://evil.example/Lines", page([])],
      ["ResponseInvalid", "https://testdb.my.erp.net/sys/Lines", page([])],
      ["PagingLoop", "Lines/Lines?x=1", page([], "Lines?x=1")],
      ["ServerError", "Lines/Lines?x=1", { status: 500, body: "{}" }],
      ["ResponseInvalid", "Lines/Lines?x=1", { body: "{}" }]
    ]
    return Effect.forEach(cases, ([tag, link, rest]) => {
      const fake = fakeDomain((call) => (isRest(call) ? rest : page([cut(1, link)])))
      return Effect.gen(function* () {
        const exit = yield* Effect.exit(DomainApi.list(Orders))
        assert.strictEqual(failureOf(exit)._tag, tag, link)
      }).pipe(Effect.provide(fake.layer))
    })
  })

  it.effect("collections of functions and of other paths are completed as well", () => {
    const Names = Operation.function("Names", Schema.Struct({}), Schema.Array(Schema.String))
    const fake = fakeDomain((call) =>
      call.url.searchParams.get("p") === "2" ? page(["c"]) : page(["a", "b"], `${call.url.pathname}?p=2`)
    )
    return Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.call(Names, {}), ["a", "b", "c"])
      const { value } = yield* DomainApi.request("Any", Schema.Struct({ value: Schema.Array(Schema.String) }))
      assert.deepStrictEqual(value, ["a", "b", "c"])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect.prop(
    "a server that cuts pages and children anywhere: every row once, with all its children",
    [
      FastCheck.array(FastCheck.integer({ min: 0, max: 6 }), { maxLength: 25 }),
      FastCheck.integer({ min: 1, max: 7 }),
      FastCheck.integer({ min: 1, max: 4 })
    ],
    ([counts, size, childSize]) => {
      const lines = (n: number) => Array.from({ length: counts[n] ?? 0 }, (_, line) => ({ LineNo: line }))
      const fake = fakeDomain(
        (call) => {
          const at = Number(call.url.searchParams.get("at") ?? "0")
          const of = /Lines\((\d+)\)$/.exec(call.url.pathname)?.[1]
          if (of !== undefined) {
            const all = lines(Number(of))
            return page(
              all.slice(at, at + childSize),
              at + childSize < all.length ? `?at=${at + childSize}` : undefined
            )
          }
          const value = counts.slice(at, at + size).map((_, index) => {
            const n = at + index
            const all = lines(n)
            const rest = all.length > childSize ? { "Lines@odata.nextLink": `Lines(${n})?at=${childSize}` } : {}
            return { Id: id(n), Lines: all.slice(0, childSize), ...rest }
          })
          return page(value, at + size < counts.length ? `Crm_Sales_SalesOrders?at=${at + size}` : undefined)
        },
        { requestsPerMinute: Number.POSITIVE_INFINITY }
      )
      const expected = counts.map((_, n) => ({ Id: id(n), Lines: lines(n) }))
      return Effect.gen(function* () {
        assert.deepStrictEqual(yield* DomainApi.list(Orders), expected)
        assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(DomainApi.stream(Orders))), expected)
      }).pipe(Effect.provide(fake.layer))
    }
  )
})

describe("links of pages", () => {
  it.effect("a query alone belongs to the address of its request", () => {
    const fake = fakeDomain((call) =>
      call.url.searchParams.has("$skiptoken") ? page([row(2)]) : page([row(1)], "?$skiptoken=1")
    )
    return Effect.gen(function* () {
      assert.lengthOf(yield* DomainApi.list(Customers), 2)
      assert.strictEqual(fake.calls[1]?.url.href, `${root}Crm_Customers?$skiptoken=1`)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("the same rows under ever new links end", () => {
    let number = 0
    const fake = fakeDomain(() => {
      number += 1
      return page(rows(0, 3), `Crm_Customers?$skiptoken=${number}`)
    })
    return Effect.gen(function* () {
      const error = yield* Effect.flip(Stream.runDrain(DomainApi.stream(Customers)))
      assert.strictEqual(error._tag, "PagingLoop")
      assert.lengthOf(fake.calls, 2)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("one that leads outside the service is not followed", () => {
    const fake = fakeDomain(() => page([row(1)], "/api/other/Crm_Customers"))
    return Effect.gen(function* () {
      assert.strictEqual((yield* Effect.flip(DomainApi.list(Customers)))._tag, "ResponseInvalid")
      assert.lengthOf(fake.calls, 1)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("rows that are none", () => {
  const Loose = EntitySet.make("Loose", Schema.Struct({ Number: Schema.NullOr(Schema.String) }))
  const error = { error: { message: "Timeout expired." } }

  it.effect("an error in the place of a row, or of the answer, is a failure with the server's words", () =>
    Effect.forEach(
      [
        [page([{ Number: "1" }, error]), DomainApi.list(Loose, { skipNulls: true })],
        [page([error]), DomainApi.list(Loose, { options: ["skipnulls"] })],
        [{ body: JSON.stringify(error) }, DomainApi.get(Loose, id(1), { skipNulls: true })]
      ] as const,
      ([reply, effect]) =>
        Effect.gen(function* () {
          const failed = yield* Effect.flip<unknown, DomainApi.DomainApiError, DomainApi.DomainApi>(effect)
          assert.strictEqual(failed._tag, "ResponseInvalid")
          assert.include(failed.message, "Timeout expired.")
        }).pipe(Effect.provide(fakeDomain(() => reply).layer))
    )
  )

  it.effect("one that does not fit is named by its id, its place and its page", () => {
    const fake = fakeDomain((call) =>
      call.url.searchParams.has("page")
        ? page([row(10), { Id: id(11), Number: 5 }])
        : page(rows(0, 10), "Crm_Customers?page=1")
    )
    return Effect.gen(function* () {
      const failed = yield* Effect.flip(Stream.runDrain(DomainApi.stream(Customers, { pageSize: 10 })))
      assert(failed._tag === "ResponseInvalid")
      assert.deepInclude({ ...failed }, { row: 1, page: 2, entity: `Crm_Customers(${id(11)})` })
      assert.include(failed.message, id(11))
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("a result of null", () => {
  const Name = Operation.function("GetX", Schema.Struct({}), Schema.NullOr(Schema.String))
  const Make = Operation.action("Make", Schema.Struct({}), Schema.NullOr(ComplexType.Reference))
  const Pair = Operation.function(
    "Pair",
    Schema.Struct({}),
    Schema.Struct({ value: Schema.String, other: Schema.String })
  )

  for (const [name, reply] of [
    ["204", { status: 204 }],
    ["@odata.null", { body: '{"@odata.context":"c","@odata.null":true}' }],
    ["value: null", { body: '{"value":null}' }]
  ] as const) {
    it.effect(`written as ${name} is null`, () =>
      Effect.gen(function* () {
        assert.isNull(yield* DomainApi.call(Name, {}))
        assert.isNull(yield* DomainApi.call(Make, {}))
      }).pipe(Effect.provide(fakeDomain(() => reply).layer))
    )
  }

  it.effect("a result with a member value of its own is not unwrapped", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* DomainApi.call(Pair, {}), { value: "a", other: "b" })
    }).pipe(Effect.provide(fakeDomain(() => ({ body: '{"value":"a","other":"b"}' })).layer))
  )
})
