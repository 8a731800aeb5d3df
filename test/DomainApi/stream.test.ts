import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Exit, Fiber, Stream, TestClock } from "effect"
import { DomainApi } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import {
  apiJournal,
  Customers,
  emulated,
  failureOf,
  fakeDomain,
  id,
  page,
  pageOf,
  pages,
  row,
  rows,
  turn
} from "../support/domain.ts"

const all = DomainApi.stream(Customers)

/** Runs a stream to its end, and gives what came out before it and how it ended. */
const drain = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Effect.gen(function* () {
    const taken: Array<A> = []
    const exit = yield* Effect.exit(Stream.runForEach(stream, (value) => Effect.sync(() => void taken.push(value))))
    return { taken, exit }
  })

describe("DomainApi.stream: all rows, once, in order", () => {
  it.effect("100,000 rows in pages of 1,000", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const ids: Array<string> = []
      yield* Stream.runForEachChunk(all, (chunk) => Effect.sync(() => void ids.push(...Chunk.map(chunk, (r) => r.Id))))
      const expected = (yield* erp.data).ids("Crm_Sales_Customers")
      assert.lengthOf(expected, 100_000)
      assert.isTrue(expected.every((expectedId, n) => ids[n] === expectedId))
      assert.lengthOf(ids, 100_000)
      const journal = yield* apiJournal
      assert.lengthOf(journal, 100)
      assert.isTrue(journal.every((entry) => entry.status === 200))
      assert.strictEqual((yield* erp.counters).tokenRequests, 1)
    }).pipe(Effect.provide(emulated({ customers: 100_000 })))
  )

  it.effect("a token revoked at page 51 costs one renewal and repeats no row", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const ids: Array<string> = []
      yield* Stream.runForEach(DomainApi.stream(Customers, { pageSize: 10 }), ({ Id }) => {
        ids.push(Id)
        return ids.length === 505 ? erp.revokeTokens : Effect.void
      })
      assert.deepStrictEqual(ids, [...(yield* erp.data).ids("Crm_Sales_Customers")])
      const statuses = (yield* apiJournal).map((entry) => entry.status)
      assert.strictEqual(statuses.indexOf(401), 51)
      assert.deepStrictEqual(
        statuses.filter((status) => status !== 200),
        [401]
      )
      assert.lengthOf(statuses, 61)
      assert.strictEqual((yield* erp.counters).tokenRequests, 2)
    }).pipe(Effect.provide(emulated({ customers: 600 })))
  )

  it.effect("a token that expires at page 51 costs one renewal and repeats no row", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const ids: Array<string> = []
      yield* Stream.runForEach(DomainApi.stream(Customers, { pageSize: 10 }), ({ Id }) => {
        ids.push(Id)
        return ids.length === 505 ? TestClock.adjust("61 minutes") : Effect.void
      })
      assert.deepStrictEqual(ids, [...(yield* erp.data).ids("Crm_Sales_Customers")])
      assert.lengthOf(yield* apiJournal, 60)
      assert.strictEqual((yield* erp.counters).tokenRequests, 2)
    }).pipe(Effect.provide(emulated({ customers: 600 })))
  )

  for (const nextLinks of ["absolute", "relative"] as const) {
    it.effect(`${nextLinks} links, with a skip token and with an order`, () =>
      Effect.gen(function* () {
        const erp = yield* ErpNetEmulator.ErpNetEmulator
        const expected = (yield* erp.data).ids("Crm_Sales_Customers")
        const byId = yield* Stream.runCollect(DomainApi.stream(Customers, { pageSize: 7 }))
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(byId).map((r) => r.Id),
          [...expected]
        )
        yield* erp.clearJournal
        const byNumber = yield* Stream.runCollect(DomainApi.stream(Customers, { pageSize: 7, orderBy: ["Number"] }))
        const numbers = Chunk.toReadonlyArray(byNumber).map((r) => r.Number ?? "")
        assert.lengthOf(numbers, 30)
        assert.deepStrictEqual(numbers, [...numbers].sort())
        const journal = yield* apiJournal
        assert.lengthOf(journal, 5)
        assert.include(journal[4]?.query, "skip=28")
      }).pipe(Effect.provide(emulated({ customers: 30, nextLinks })))
    )
  }

  it.effect("a link from the root of the host", () => {
    const fake = fakeDomain((call) =>
      pageOf(call) === 0 ? page([row(0)], "/api/domain/odata/Crm_Customers?page=1") : page([row(1)])
    )
    return Effect.gen(function* () {
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(all)), rows(0, 2))
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("an empty page with a link goes on, also where thousands follow each other", () => {
    const last = 1500
    const fake = fakeDomain(
      (call) => (pageOf(call) === last ? page([row(1)]) : page([], `Crm_Customers?page=${pageOf(call) + 1}`)),
      { requestsPerMinute: Number.POSITIVE_INFINITY }
    )
    return Effect.gen(function* () {
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(all)), [row(1)])
      assert.lengthOf(fake.calls, last + 1)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("pages of any size, from none to a few rows", () => {
    const sizes = [3, 0, 1, 2, 0, 5, 1]
    const starts = sizes.map((_, n) => sizes.slice(0, n).reduce((sum, size) => sum + size, 0))
    const fake = fakeDomain((call) => {
      const index = pageOf(call)
      const from = starts[index] ?? 0
      const link = index + 1 < sizes.length ? `Crm_Customers?page=${index + 1}` : undefined
      return page(rows(from, from + (sizes[index] ?? 0)), link)
    })
    return Effect.gen(function* () {
      const chunks = [...(yield* Stream.runCollect(Stream.chunks(all)))]
      assert.deepStrictEqual(
        chunks.flatMap((chunk) => [...chunk]),
        rows(0, 12)
      )
      assert.isTrue(chunks.every(Chunk.isNonEmpty))
      assert.lengthOf(fake.calls, sizes.length)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("no link, an empty one and null end it; anything else is not taken for the end", () => {
    let link: unknown
    const fake = fakeDomain(() => page([row(0)], link))
    return Effect.gen(function* () {
      for (const end of [undefined, null, ""]) {
        link = end
        assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(all)), [row(0)])
      }
      for (const odd of [1, {}, ["Crm_Customers?page=1"], false]) {
        link = odd
        const error = failureOf(yield* Effect.exit(Stream.runCollect(all)))
        assert(error._tag === "ResponseInvalid")
        assert.strictEqual(error.path, "@odata.nextLink")
      }
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("it starts when it is run, and can be run again", () => {
    const fake = fakeDomain(pages(30, 10))
    return Effect.gen(function* () {
      const stream = DomainApi.stream(Customers, { pageSize: 10 })
      assert.lengthOf(fake.calls, 0)
      const first = yield* Stream.runCollect(stream)
      const [second, third] = yield* Effect.all([Stream.runCollect(stream), Stream.runCollect(stream)], {
        concurrency: 2
      })
      assert.deepStrictEqual(Chunk.toReadonlyArray(first), rows(0, 30))
      assert.deepStrictEqual(Chunk.toReadonlyArray(second), rows(0, 30))
      assert.deepStrictEqual(Chunk.toReadonlyArray(third), rows(0, 30))
      assert.lengthOf(fake.calls, 9)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi.stream: reading ahead", () => {
  it.effect("the next page is asked for while the current one is consumed, from 60 % on", () => {
    let taken = 0
    const seenAt: Array<number> = []
    const answer = pages(10_000, 1000)
    const fake = fakeDomain((call) => {
      seenAt.push(taken)
      return answer(call)
    })
    return Effect.gen(function* () {
      yield* Stream.runForEach(all, () => {
        taken += 1
        return Effect.yieldNow()
      })
      assert.strictEqual(taken, 10_000)
      assert.lengthOf(seenAt, 10)
      for (const [index, at] of seenAt.slice(1).entries()) {
        assert.isAtLeast(at, index * 1000 + 600, `page ${index + 1} was asked for too early`)
        assert.isBelow(at, index * 1000 + 1000, `page ${index + 1} was asked for too late`)
      }
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a consumer that stops holds it up: never two pages ahead", () => {
    const fake = fakeDomain(pages(10_000, 1000))
    return Effect.gen(function* () {
      for (const [stopsAt, requests] of [
        [1, 1],
        [599, 1],
        [600, 1],
        [601, 2],
        [1000, 2],
        [1001, 2],
        [1600, 2],
        [1601, 3]
      ] as const) {
        fake.calls.length = 0
        let taken = 0
        const reached = yield* Deferred.make<void>()
        const fiber = yield* Effect.fork(
          Stream.runForEach(all, () => {
            taken += 1
            return taken === stopsAt ? Effect.zipRight(Deferred.succeed(reached, undefined), Effect.never) : Effect.void
          })
        )
        yield* Deferred.await(reached)
        for (let n = 0; n < 100; n++) yield* Effect.yieldNow()
        assert.strictEqual(fake.calls.length, requests, `stopped at row ${stopsAt}`)
        yield* Fiber.interrupt(fiber)
      }
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("take(1500) makes two requests, take(600) one", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      for (const [count, requests] of [
        [1500, 2],
        [600, 1],
        [1, 1],
        [0, 0]
      ] as const) {
        yield* erp.clearJournal
        const taken = yield* Stream.runCollect(Stream.take(all, count))
        assert.strictEqual(taken.length, count)
        yield* turn
        assert.lengthOf(yield* apiJournal, requests, `take(${count})`)
      }
    }).pipe(Effect.provide(emulated({ customers: 4000 })))
  )

  it.effect("memory stays flat: pages that were consumed are let go", () => {
    setFlagsFromString("--expose-gc")
    const gc: () => void = runInNewContext("gc")
    const fake = fakeDomain(pages(60_000, 1000))
    const first: Array<WeakRef<object>> = []
    let mostAlive = 0
    return Effect.gen(function* () {
      yield* Stream.runForEachChunk(all, (chunk) => {
        // Two chunks make a page.
        first.push(new WeakRef(Chunk.unsafeHead(chunk)))
        return first.length % 20 === 0
          ? Effect.map(turn, () => {
              gc()
              mostAlive = Math.max(mostAlive, first.filter((ref) => ref.deref() !== undefined).length)
            })
          : Effect.void
      })
      assert.lengthOf(first, 120)
      assert.isAtLeast(mostAlive, 1)
      assert.isAtMost(mostAlive, 6)
    }).pipe(Effect.provide(fake.layer))
  })
})

describe("DomainApi.stream: interruption", () => {
  const hangingFrom = (first: number) => {
    const answer = pages(10_000, 1000)
    return fakeDomain((call) => (pageOf(call) >= first ? Effect.never : answer(call)))
  }

  it.effect("stops the request in flight at once", () => {
    const fake = hangingFrom(1)
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runDrain(all))
      while (fake.calls.length < 2) yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(fake.aborted(), 1)
      assert.strictEqual(fake.inFlight(), 0)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("stops the first request at once", () => {
    const fake = hangingFrom(0)
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runDrain(all))
      while (fake.calls.length < 1) yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(fake.aborted(), 1)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a consumer that has enough, or fails, stops the page read ahead", () => {
    const fake = hangingFrom(1)
    return Effect.gen(function* () {
      const taken = yield* Stream.runCollect(
        Stream.take(
          Stream.tap(all, () => Effect.yieldNow()),
          900
        )
      )
      assert.strictEqual(taken.length, 900)
      assert.lengthOf(fake.calls, 2)
      assert.strictEqual(fake.aborted(), 1)
      let count = 0
      const exit = yield* Effect.exit(
        Stream.runForEach(all, () => {
          count += 1
          return count === 900 ? Effect.fail("enough") : Effect.yieldNow()
        })
      )
      assert.deepStrictEqual(exit, Exit.fail("enough"))
      assert.lengthOf(fake.calls, 4)
      assert.strictEqual(fake.aborted(), 2)
      assert.strictEqual(fake.inFlight(), 0)
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("the embedded instance sees the client go", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      yield* DomainApi.count(Customers)
      yield* erp.clearJournal
      yield* erp.failNext("api", ErpNetEmulator.Fault.hang)
      const fiber = yield* Effect.fork(Stream.runDrain(all))
      while ((yield* apiJournal).length === 0) yield* turn
      yield* Fiber.interrupt(fiber)
      assert.isTrue((yield* apiJournal)[0]?.aborted)
    }).pipe(Effect.provide(emulated()))
  )
})

describe("DomainApi.stream: faults on the way", () => {
  it.effect("a page that fails once with 503 is fetched again alone", () => {
    const answer = pages(300, 10)
    let failed = false
    const fake = fakeDomain((call) => {
      if (pageOf(call) !== 12 || failed) return answer(call)
      failed = true
      return { status: 503, headers: { "retry-after": "2" } }
    })
    return Effect.gen(function* () {
      const fiber = yield* Effect.fork(Stream.runCollect(all))
      while (fake.calls.length < 13) yield* Effect.yieldNow()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Fiber.join(fiber)), rows(0, 300))
      const asked = fake.calls.map(pageOf)
      const expected = Array.from({ length: 30 }, (_, n) => n)
      expected.splice(12, 0, 12)
      assert.deepStrictEqual(asked, expected)
      assert.strictEqual(fake.calls[12]?.sent, fake.calls[13]?.sent)
    }).pipe(Effect.provide(fake.layer))
  })

  const whole = page(rows(20, 30), "Crm_Customers?page=3").body ?? ""
  const faults = [
    ["a connection that breaks in the body", { body: whole.slice(0, 400), cut: true }, "Unreachable"],
    ["a text that ends too early", { body: whole.slice(0, -2) }, "ResponseInvalid"],
    [
      "a text that ends between two rows",
      { body: whole.slice(0, whole.indexOf(`,{"Id":"${id(25)}`)) },
      "ResponseInvalid"
    ],
    ["an empty body", { body: "" }, "ResponseInvalid"],
    ["a row that does not fit", page([...rows(20, 29), { Id: "no guid", Number: null }]), "ResponseInvalid"],
    ["an error of the server", { status: 500, body: "{}" }, "ServerError"],
    ["a broken connection", "reset", "Unreachable"]
  ] as const

  for (const [name, reply, tag] of faults) {
    it.effect(`${name}: none of the rows of that page, all of those before`, () => {
      const answer = pages(100, 10)
      const fake = fakeDomain((call) => (pageOf(call) === 2 ? reply : answer(call)))
      return Effect.gen(function* () {
        const { exit, taken } = yield* drain(all)
        assert.strictEqual(failureOf(exit)._tag, tag)
        assert.deepStrictEqual(taken, rows(0, 20))
        assert.lengthOf(fake.calls, 3)
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("a page that the embedded instance cuts off", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const stream = DomainApi.stream(Customers, { pageSize: 10 }).pipe(
        Stream.tap(({ Id }) => (Id === ids[13] ? erp.failNext("api", ErpNetEmulator.Fault.truncated()) : Effect.void))
      )
      const ids = (yield* erp.data).ids("Crm_Sales_Customers")
      const { exit, taken } = yield* drain(stream)
      assert.strictEqual(failureOf(exit)._tag, "Unreachable")
      assert.deepStrictEqual(
        taken.map((r) => r.Id),
        ids.slice(0, 20)
      )
    }).pipe(Effect.provide(emulated({ customers: 50 })))
  )
})

describe("DomainApi.stream: links", () => {
  const root = "https://testdb.my.erp.net/api/domain/odata/"

  const loops = [
    ["to itself", ["Crm_Customers?page=1", "Crm_Customers?page=1"], 2],
    ["of two pages", ["Crm_Customers?page=1", "Crm_Customers?page=2", "Crm_Customers?page=1"], 3],
    ["to itself, once relative and once absolute", ["Crm_Customers?page=1", `${root}Crm_Customers?page=1`], 2],
    ["to itself, spelt otherwise", ["Crm_Customers?$page=1&%24x=a%2Cb", "Crm_Customers?%24page=1&$x=a%2cb"], 2],
    ["to the first page", ["Crm_Customers?%24top=1000&%24select=Id%2cNumber"], 1]
  ] as const

  for (const [name, links, requests] of loops) {
    it.effect(`a loop ${name} is PagingLoop, and repeats no row`, () => {
      const fake = fakeDomain((_, index) => page([row(index)], links[index - 1] ?? links[0]))
      return Effect.gen(function* () {
        const { exit, taken } = yield* drain(all)
        const error = failureOf(exit)
        assert(error._tag === "PagingLoop")
        assert.strictEqual(error.entitySet, "Crm_Customers")
        assert.strictEqual(error.page, requests + 1)
        assert.deepStrictEqual(taken, rows(1, requests + 1))
        assert.lengthOf(fake.calls, requests)
      }).pipe(Effect.provide(fake.layer))
    })
  }

  const foreign = [
    "https://evil.example/api/domain/odata/Crm_Customers?page=1",
    "//evil.example/Crm_Customers?page=1",
    "http://testdb.my.erp.net/api/domain/odata/Crm_Customers?page=1",
    "https://testdb.my.erp.net:8443/api/domain/odata/Crm_Customers?page=1",
    "https://testdb.my.erp.net.evil.example/Crm_Customers?page=1",
    "https://testdb.my.erp.net@evil.example/Crm_Customers?page=1",
    "\\\\evil.example\\Crm_Customers?page=1",
    "javascript:alert(1)"
  ]
  for (const link of foreign) {
    it.effect(`${link} is ForeignOrigin, and nobody is asked`, () => {
      const fake = fakeDomain(() => page(rows(0, 10), link))
      return Effect.gen(function* () {
        const { exit, taken } = yield* drain(all)
        assert.strictEqual(failureOf(exit)._tag, "ForeignOrigin")
        assert.deepStrictEqual(taken, rows(0, 10))
        assert.lengthOf(fake.calls, 1)
      }).pipe(Effect.provide(fake.layer))
    })
  }

  it.effect("a link that is no URL is Unreachable", () => {
    const fake = fakeDomain(() => page([row(0)], "https://"))
    return Effect.gen(function* () {
      const error = failureOf((yield* drain(all)).exit)
      assert(error._tag === "Unreachable")
      assert.strictEqual(error.reason, "invalidRequest")
      assert.lengthOf(fake.calls, 1)
    }).pipe(Effect.provide(fake.layer))
  })

  const queries = [
    "%24top=2&%24select=PartNumber%2cName&%24skiptoken=d8372f13-a7f5-484f-bc20-00b929a00283",
    "%24filter=Name+eq+%27O%27%27Brien+%26+S%C3%B6hne%27&%24skip=10",
    "$filter=contains(Name,%27100%2525%27)&$skiptoken=a%2Fb%2fc",
    "a=%zz&b=%&c=%e4&d=%C3%B6&&e&=f&g==h",
    "x=%00%0a%7e~!*()%2A;:@/?",
    "skiptoken=%u0041+%2B+%20"
  ]
  for (const query of queries) {
    it.effect(`goes out byte for byte: ?${query}`, () => {
      let link = ""
      const fake = fakeDomain((_, index) => page([row(index)], index === 1 ? link : undefined))
      return Effect.gen(function* () {
        for (const prefix of [`${root}Crm_Customers`, "Crm_Customers"]) {
          link = `${prefix}?${query}`
          fake.calls.length = 0
          yield* Stream.runDrain(all)
          assert.strictEqual(fake.calls[1]?.sent, `${root}Crm_Customers?${query}`)
          assert.strictEqual(fake.calls[1]?.url.href, `${root}Crm_Customers?${query}`)
        }
      }).pipe(Effect.provide(fake.layer))
    })
  }
})

describe("DomainApi.stream: what goes with every page", () => {
  it.effect("headers and context, also when a page is asked for again", () => {
    const answer = pages(30, 10)
    const fake = fakeDomain((call, index) =>
      index === 2 ? { status: 429, headers: { "retry-after": "0" } } : answer(call)
    )
    const context = { enterpriseCompany: id(1), enterpriseCompanyLocation: id(2), role: id(3) }
    return Effect.gen(function* () {
      yield* Stream.runDrain(
        DomainApi.stream(Customers, {
          pageSize: 10,
          headers: { "X-Mine": "a", Prefer: "odata.include-annotations=none", authorization: "Bearer mine" },
          context
        })
      )
      assert.deepStrictEqual(fake.calls.map(pageOf), [0, 1, 1, 2])
      for (const call of fake.calls) {
        assert.strictEqual(call.headers["x-mine"], "a")
        assert.strictEqual(call.headers["authorization"], "Bearer token-1")
        assert.strictEqual(call.headers["accept"], "application/json")
        assert.match(call.headers["prefer"] ?? "", /^odata\.include-annotations=none/)
      }
      const [first, ...others] = fake.calls
      assert.strictEqual(first?.url.searchParams.get("CurrentEnterpriseCompanyId"), id(1))
      assert.strictEqual(first?.url.searchParams.get("CurrentEnterpriseCompanyLocationId"), id(2))
      assert.strictEqual(first?.url.searchParams.get("CurrentRoleId"), id(3))
      for (const call of others) {
        assert.strictEqual(
          call.headers["prefer"],
          `odata.include-annotations=none, CurrentEnterpriseCompanyId=${id(1)}, ` +
            `CurrentEnterpriseCompanyLocationId=${id(2)}, CurrentRoleId=${id(3)}`
        )
      }
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("the page size is `pageSize`, 1000 without it; the rest is in the first request", () => {
    const fake = fakeDomain(() => page([]))
    return Effect.gen(function* () {
      yield* Stream.runDrain(all)
      yield* Stream.runDrain(
        DomainApi.stream(Customers, { pageSize: 50, search: "a b", orderBy: [["Number", "desc"]] })
      )
      const [first, second] = fake.calls.map((call) => Object.fromEntries(call.url.searchParams))
      assert.deepStrictEqual(first, { $top: "1000", $select: "Id,Number" })
      assert.deepStrictEqual(second, {
        $top: "50",
        $select: "Id,Number",
        $search: '"a b"',
        $orderby: "Number desc"
      })
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("`skipnulls` holds for every page", () => {
    const fake = fakeDomain((_, index) => page([{ Id: id(index) }], index === 1 ? "Crm_Customers?page=1" : undefined))
    return Effect.gen(function* () {
      const read = yield* Stream.runCollect(DomainApi.stream(Customers, { options: ["skipnulls"] }))
      assert.deepStrictEqual(Chunk.toReadonlyArray(read), [
        { Id: id(1), Number: null },
        { Id: id(2), Number: null }
      ])
    }).pipe(Effect.provide(fake.layer))
  })

  it.effect("a query that cannot be written sends nothing", () => {
    const fake = fakeDomain(() => page([]))
    return Effect.gen(function* () {
      const { exit } = yield* drain(DomainApi.stream(Customers, { pageSize: 1001 }))
      assert.strictEqual(failureOf(exit)._tag, "InvalidQuery")
      assert.lengthOf(fake.calls, 0)
      assert.strictEqual(fake.exchanges(), 0)
    }).pipe(Effect.provide(fake.layer))
  })
})
