import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Either, Equal, Exit, FastCheck, Fiber, TestClock } from "effect"
import { type ErpNetError, Instance } from "effect-erpnet"
import { type Answer, type FakeServer, fakeServer, json } from "./support/transport.ts"

const reasonOf = (result: Either.Either<Instance.Instance, ErpNetError.InvalidInstance>): string =>
  Either.isLeft(result) ? result.left.reason : `accepted as ${result.right.origin}`

/** The addresses of an identity site. */
const identitySite = (issuer: string) => ({
  issuer,
  authorizationEndpoint: `${issuer}/connect/authorize`,
  endSessionEndpoint: `${issuer}/connect/endsession`,
  revocationEndpoint: `${issuer}/connect/revocation`,
  tokenEndpoint: `${issuer}/connect/token`
})

describe("Instance.make", () => {
  const accepted: ReadonlyArray<readonly [string, string]> = [
    ["testdb", "https://testdb.my.erp.net"],
    ["TestDB", "https://testdb.my.erp.net"],
    ["test-db2", "https://test-db2.my.erp.net"],
    ["7", "https://7.my.erp.net"],
    ["testdb.my.erp.net", "https://testdb.my.erp.net"],
    ["testdb.my.erp.net/", "https://testdb.my.erp.net"],
    ["testdb.my.erp.net/id", "https://testdb.my.erp.net"],
    ["https://testdb.my.erp.net", "https://testdb.my.erp.net"],
    ["https://testdb.my.erp.net/", "https://testdb.my.erp.net"],
    ["https://testdb.my.erp.net/id", "https://testdb.my.erp.net"],
    ["https://testdb.my.erp.net/id/", "https://testdb.my.erp.net"],
    ["HTTPS://TESTDB.MY.ERP.NET", "https://testdb.my.erp.net"],
    ["https://testdb.my.erp.net:443", "https://testdb.my.erp.net"],
    ["https://erp.example.com:8443", "https://erp.example.com:8443"],
    ["erp.example.com:8443", "https://erp.example.com:8443"],
    ["localhost", "https://localhost"],
    ["localhost:8080", "https://localhost:8080"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://erp.localhost", "http://erp.localhost"],
    ["http://127.0.0.1:3000/id", "http://127.0.0.1:3000"],
    ["http://127.1.2.3", "http://127.1.2.3"],
    ["http://[::1]:80", "http://[::1]"],
    ["https://[2001:db8::1]", "https://[2001:db8::1]"],
    ["https://bücher.example", "https://xn--bcher-kva.example"]
  ]
  for (const [input, origin] of accepted) {
    it(`${input} is ${origin}`, () => {
      assert.deepStrictEqual(
        { ...Either.getOrThrow(Instance.make(input)) },
        {
          origin,
          ...identitySite(`${origin}/id`),
          odata: `${origin}/api/domain/odata/`
        }
      )
    })
  }

  const refused: ReadonlyArray<readonly [string, RegExp]> = [
    ["", /is empty/],
    [" ", /white space/],
    [" testdb", /white space around/],
    ["testdb\n", /white space around/],
    ["test db", /white space in/],
    ["https://user:hunter2@testdb.my.erp.net", /user name or password/],
    ["https://hunter2@testdb.my.erp.net", /user name or password/],
    ["user:hunter2@testdb.my.erp.net", /user name or password/],
    ["https://testdb.my.erp.net?key=hunter2", /query/],
    ["https://testdb.my.erp.net?", /query/],
    ["https://testdb.my.erp.net#hunter2", /fragment/],
    ["https://testdb.my.erp.net#", /fragment/],
    ["testdb?key=hunter2", /query/],
    ["https://testdb.my.erp.net/hunter2", /path/],
    ["https://testdb.my.erp.net/id/connect/token", /path/],
    ["https://testdb.my.erp.net/api/domain/odata/", /path/],
    ["testdb.my.erp.net/idx", /path/],
    ["ftp://testdb.my.erp.net", /scheme ftp:/],
    ["ws://testdb.my.erp.net", /scheme/],
    ["javascript://testdb", /scheme/],
    ["file:///etc/passwd", /scheme|not a URL/],
    ["http://testdb.my.erp.net", /http on testdb.my.erp.net.*in clear/],
    ["http://127.0.0.1.evil.example", /in clear/],
    ["http://localhost.evil.example", /in clear/],
    ["http://10.0.0.1", /in clear/],
    ["https://", /not a URL/],
    ["https:testdb.my.erp.net", /not a URL/],
    ["https://exa mple", /white space/],
    ["https://host:99999", /not a URL/],
    ["https://[::1", /not a URL/],
    ["javascript:alert(1)", /not a URL/],
    ["https://testdb.my.erp.net\u0001", /control character/],
    ["\u0000testdb", /control character/]
  ]
  for (const [input, reason] of refused) {
    it(`${JSON.stringify(input)} is refused`, () => {
      const result = Instance.make(input)
      assert.match(reasonOf(result), reason)
      assert.notInclude(Either.isLeft(result) ? result.left.message : "", "hunter2")
    })
  }

  it("allowInsecure allows http to any host, and nothing else", () => {
    const allow = { allowInsecure: true }
    assert.strictEqual(Either.getOrThrow(Instance.make("http://10.0.0.1", allow)).origin, "http://10.0.0.1")
    assert.isTrue(Either.isLeft(Instance.make("ftp://10.0.0.1", allow)))
    assert.isTrue(Either.isLeft(Instance.make("http://u:p@10.0.0.1", allow)))
  })

  it("the identity site is the override, else what the token endpoint tells, else the conventional one", () => {
    const issuerOf = (options: Instance.Options) => Either.getOrThrow(Instance.make("testdb", options)).issuer
    assert.strictEqual(issuerOf({ identity: "https://login.example.com/" }), "https://login.example.com")
    assert.strictEqual(issuerOf({ identity: "https://login.example.com/id" }), "https://login.example.com/id")
    assert.strictEqual(
      issuerOf({ tokenEndpoint: "https://login.example.com/a/connect/token" }),
      "https://login.example.com/a"
    )
    assert.strictEqual(issuerOf({ tokenEndpoint: "https://login.example.com/oauth" }), "https://testdb.my.erp.net/id")
    const both = Either.getOrThrow(
      Instance.make("testdb", { identity: "https://login.example.com", tokenEndpoint: "https://token.example.com/t" })
    )
    assert.strictEqual(both.issuer, "https://login.example.com")
    assert.strictEqual(both.tokenEndpoint, "https://token.example.com/t")
    const refused = Instance.make("testdb", { identity: "https://u:hunter2@login.example.com" })
    assert(Either.isLeft(refused))
    assert.match(refused.left.reason, /^identity holds a user name/)
  })

  it("addresses of moved sites are taken as they are written, but for what could betray a secret", () => {
    const moved = Either.getOrThrow(
      Instance.make("testdb", {
        tokenEndpoint: "https://login.example.com/connect/token?tenant=7",
        odata: "https://erpapi.example.com/domain/odata"
      })
    )
    assert.deepStrictEqual(
      { ...moved },
      {
        origin: "https://testdb.my.erp.net",
        ...identitySite("https://login.example.com"),
        tokenEndpoint: "https://login.example.com/connect/token?tenant=7",
        odata: "https://erpapi.example.com/domain/odata/"
      }
    )
    for (const [options, reason] of [
      [{ tokenEndpoint: "http://login.example.com/" }, /^tokenEndpoint is http/],
      [{ tokenEndpoint: "https://u:hunter2@login.example.com/" }, /^tokenEndpoint holds a user name/],
      [{ tokenEndpoint: "/connect/token" }, /^tokenEndpoint is not a URL/],
      [{ tokenEndpoint: "" }, /^tokenEndpoint is empty/],
      [{ odata: "http://erpapi.example.com/" }, /^odata is http/],
      [{ odata: "https://erpapi.example.com/?key=hunter2" }, /^odata has a query/],
      [{ odata: " https://erpapi.example.com/" }, /^odata has white space/]
    ] as const) {
      const result = Instance.make("testdb", options)
      assert.match(reasonOf(result), reason)
      assert.notInclude(Either.isLeft(result) ? result.left.message : "", "hunter2")
    }
  })

  it("is a value: the same input gives an equal instance", () => {
    const one = Either.getOrThrow(Instance.make("testdb"))
    assert.isTrue(Equal.equals(one, Either.getOrThrow(Instance.make("https://testdb.my.erp.net/id"))))
    assert.isFalse(Equal.equals(one, Either.getOrThrow(Instance.make("demodb"))))
  })

  const pieces = FastCheck.constantFrom(
    ..."https:// http:// ftp:// // \\\\ @ : user:hunter2@ testdb .my.erp.net localhost 127.0.0.1 [::1] :8080 /id / ? # % %00 %2f .. é \t \u0000".split(
      " "
    )
  )
  const inputs = FastCheck.oneof(
    FastCheck.string({ unit: "binary" }),
    FastCheck.webUrl({ withQueryParameters: true, withFragments: true }),
    FastCheck.array(pieces, { maxLength: 7 }).map((parts) => parts.join(""))
  )
  it.prop(
    "any text is either refused or an https or loopback origin, and no password is repeated",
    [inputs],
    ([input]) => {
      const result = Instance.make(input)
      if (Either.isLeft(result)) {
        assert.notInclude(result.left.message, "hunter2")
        return
      }
      const { odata, origin, tokenEndpoint } = result.right
      const url = new URL(origin)
      assert.strictEqual(url.origin, origin)
      assert.isTrue(
        url.protocol === "https:" ||
          (url.protocol === "http:" && /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))
      )
      assert.deepStrictEqual([tokenEndpoint, odata], [`${origin}/id/connect/token`, `${origin}/api/domain/odata/`])
      assert.notInclude(JSON.stringify(result.right), "hunter2@")
    },
    { fastCheck: { numRuns: 2000 } }
  )
})

describe("Instance.owns", () => {
  const instance = Either.getOrThrow(Instance.make("testdb"))
  const table: ReadonlyArray<readonly [string, boolean]> = [
    ["https://testdb.my.erp.net/api/domain/odata/Crm_Customers?$top=1", true],
    ["https://testdb.my.erp.net", true],
    ["https://testdb.my.erp.net:443/x", true],
    ["HTTPS://TESTDB.my.erp.net/x", true],
    ["http://testdb.my.erp.net/", false],
    ["https://testdb.my.erp.net:8443/", false],
    ["https://testdb.my.erp.net.evil.example/", false],
    ["https://testdb.my.erp.net@evil.example/", false],
    ["https://evil.example/https://testdb.my.erp.net/", false],
    ["https://demodb.my.erp.net/", false],
    ["https://my.erp.net/", false],
    ["wss://testdb.my.erp.net/", false],
    ["blob:https://testdb.my.erp.net/5d3f", false],
    ["/api/domain/odata/", false],
    ["//testdb.my.erp.net/", false],
    ["", false],
    ["about:blank", false]
  ]
  for (const [url, owned] of table) {
    it(`${url}: ${owned}`, () => {
      assert.strictEqual(Instance.owns(instance, url), owned)
      if (URL.canParse(url)) assert.strictEqual(Instance.owns(instance, new URL(url)), owned)
    })
  }

  it("is that of the API where it was moved, not that of the instance", () => {
    const moved = Either.getOrThrow(Instance.make("testdb", { odata: "https://erpapi.example.com:8443/odata/" }))
    assert.isTrue(Instance.owns(moved, "https://erpapi.example.com:8443/odata/x"))
    assert.isFalse(Instance.owns(moved, "https://erpapi.example.com/odata/x"))
    assert.isFalse(Instance.owns(moved, "https://testdb.my.erp.net/"))
  })

  it("default ports are the same as none", () => {
    const local = Either.getOrThrow(Instance.make("http://localhost:80"))
    assert.isTrue(Instance.owns(local, "http://localhost/x"))
    assert.isFalse(Instance.owns(local, "http://localhost:443/x"))
  })
})

describe("Instance.discover", () => {
  const sys = "/sys/auto-discovery"
  const tools = "/tools/auto-discovery"
  const site = (type: string, url: string, more: Record<string, unknown> = {}) => ({
    Type: type,
    Status: "Working",
    StatusDescription: "",
    Url: url,
    System: false,
    AdditionalProperties: null,
    ...more
  })
  const answer = (...sites: ReadonlyArray<unknown>) =>
    json(200, { Host: "testdb.my.erp.net", DbName: "E1_TESTDB", WebSites: sites })
  const conventional = {
    origin: "https://testdb.my.erp.net",
    ...identitySite("https://testdb.my.erp.net/id"),
    odata: "https://testdb.my.erp.net/api/domain/odata/"
  }
  /** A server with an answer for each path; 404 for others. */
  const paths = (answers: Record<string, Answer | Effect.Effect<Answer>>): FakeServer =>
    fakeServer((request) => {
      const found = answers[request.url.pathname]
      if (found === undefined) return new Response("", { status: 404 })
      return found instanceof Response ? found.clone() : found
    })
  const asked = (server: FakeServer): ReadonlyArray<string> => server.received.map(({ url }) => url.pathname)
  const discover = (server: FakeServer, options?: Instance.DiscoverOptions, input = "testdb") =>
    Effect.provide(Instance.discover(input, options), server.layer)

  it.effect("takes the addresses that the first path gives", () =>
    Effect.gen(function* () {
      const server = paths({
        [sys]: answer(
          site("Novel", "https://elsewhere.example/"),
          site("ID", "https://testdb.my.erp.net/identity/"),
          site("DomainAPI", "https://testdb.my.erp.net/api2", {
            AdditionalProperties: { ODataServiceRoot: "https://testdb.my.erp.net/api2/odata" }
          })
        )
      })
      assert.deepStrictEqual(
        { ...(yield* discover(server)) },
        {
          origin: "https://testdb.my.erp.net",
          ...identitySite("https://testdb.my.erp.net/identity"),
          odata: "https://testdb.my.erp.net/api2/odata/"
        }
      )
      assert.deepStrictEqual(asked(server), [sys])
      const [sent] = server.received
      assert.strictEqual(sent!.method, "GET")
      assert.strictEqual(sent!.headers["accept"], "application/json")
      assert.isUndefined(sent!.headers["authorization"])
    })
  )

  it.effect("without ODataServiceRoot it is the API site and its usual path; a working one is preferred", () =>
    Effect.gen(function* () {
      const server = paths({
        [sys]: answer(
          site("API", "https://testdb.my.erp.net/old", { Status: "NotWorking" }),
          site("DomainAPI", "https://testdb.my.erp.net/new/")
        )
      })
      assert.strictEqual((yield* discover(server)).odata, "https://testdb.my.erp.net/new/domain/odata/")
    })
  )

  it.effect("what the answer does not name stays conventional", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual({ ...(yield* discover(paths({ [sys]: answer() }))) }, conventional)
      const onlyId = paths({ [sys]: answer(site("ID", "https://testdb.my.erp.net/identity")) })
      assert.strictEqual((yield* discover(onlyId)).odata, conventional.odata)
    })
  )

  for (const [name, first] of [
    ["404", () => new Response("", { status: 404 })],
    ["HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["empty", () => new Response("")],
    ["null", () => json(200, null)],
    ["other JSON", () => json(200, { WebSites: "none" })],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://evil.example/" } })],
    ["500", () => new Response("", { status: 500 })],
    ["429", () => new Response("", { status: 429 })],
    ["a reset", () => "reset"],
    ["2 MiB", () => new Response(" ".repeat(2 ** 21))]
  ] as ReadonlyArray<readonly [string, () => Answer]>) {
    it.effect(`after ${name} at the first path it asks the second`, () =>
      Effect.gen(function* () {
        const server = paths({
          [sys]: Effect.sync(first),
          [tools]: answer(site("ID", "https://testdb.my.erp.net/identity"))
        })
        assert.strictEqual((yield* discover(server)).tokenEndpoint, "https://testdb.my.erp.net/identity/connect/token")
        assert.deepStrictEqual(asked(server), [sys, tools])
      })
    )
  }

  it.effect("with no answer to use it is the conventional instance, and each path was asked once", () =>
    Effect.gen(function* () {
      for (const answers of [
        {},
        { [sys]: new Response("<html>"), [tools]: new Response("<html>") },
        { [sys]: new Response("", { status: 500 }) },
        { [tools]: new Response("", { status: 500 }) },
        { [tools]: "reset" as const }
      ]) {
        const server = paths(answers)
        assert.deepStrictEqual({ ...(yield* discover(server)) }, conventional)
        assert.deepStrictEqual(asked(server), [sys, tools])
      }
    })
  )

  it.effect("where neither path can be reached it is Unreachable, and not remembered", () =>
    Effect.gen(function* () {
      let down = true
      const server = fakeServer(() => (down ? new Response("", { status: 503 }) : new Response("", { status: 404 })))
      const error = yield* Effect.flip(discover(server))
      assert.isTrue(error._tag === "Unreachable" && error.status === 503 && error.reason === "status")
      assert.deepStrictEqual(asked(server), [sys, tools])
      down = false
      assert.deepStrictEqual({ ...(yield* discover(server)) }, conventional)
      assert.strictEqual((yield* Effect.flip(discover(fakeServer(() => "reset"))))._tag, "Unreachable")
    })
  )

  it.effect("nothing is remembered of a success either", () =>
    Effect.gen(function* () {
      const server = paths({ [sys]: answer() })
      yield* discover(server)
      yield* discover(server)
      assert.deepStrictEqual(asked(server), [sys, sys])
    })
  )

  it.effect("each request may take requestTimeout", () =>
    Effect.gen(function* () {
      for (const [options, millis] of [
        [undefined, 10_000],
        [{ requestTimeout: "2 seconds" }, 2000]
      ] as const) {
        const server = fakeServer(() => Effect.never)
        const fiber = yield* Effect.fork(Effect.flip(discover(server, options)))
        yield* TestClock.adjust(2 * millis - 1)
        assert.strictEqual((yield* Fiber.poll(fiber))._tag, "None")
        yield* TestClock.adjust(1)
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag === "Unreachable" ? error.reason : error._tag, "timeout")
        assert.deepStrictEqual(asked(server), [sys, tools])
      }
    })
  )

  it.effect("nonsense for requestTimeout is a defect", () =>
    Effect.gen(function* () {
      for (const requestTimeout of [-1, Number.NaN, 0]) {
        const exit = yield* Effect.exit(discover(paths({}), { requestTimeout }))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), String(requestTimeout))
      }
    })
  )

  it.effect("an address on another origin is refused, unless it is trusted", () =>
    Effect.gen(function* () {
      for (const sites of [
        [site("ID", "https://evil.example/id")],
        [site("DomainAPI", "https://evil.example/api")],
        [site("ID", "https://testdb.my.erp.net:8443/id")],
        [site("ID", "https://testdb.my.erp.net.evil.example/id")]
      ]) {
        const server = paths({ [sys]: answer(...sites) })
        const error = yield* Effect.flip(discover(server))
        assert.strictEqual(error._tag, "InvalidInstance")
        assert.include(error.message, "another origin")
        assert.strictEqual((yield* discover(server, { trustDiscoveredOrigins: true })).origin, conventional.origin)
      }
      const server = paths({ [sys]: answer(site("ID", "https://login.example.com/id")) })
      const trusted = yield* discover(server, { trustDiscoveredOrigins: true })
      assert.strictEqual(trusted.tokenEndpoint, "https://login.example.com/id/connect/token")
    })
  )

  it.effect("http is refused although it is trusted", () =>
    Effect.gen(function* () {
      const server = paths({ [sys]: answer(site("ID", "http://testdb.my.erp.net/id")) })
      for (const options of [undefined, { trustDiscoveredOrigins: true }]) {
        const error = yield* Effect.flip(discover(server, options))
        assert.strictEqual(error._tag, "InvalidInstance")
        assert.include(error.message, "discovery answer")
      }
    })
  )

  it.effect("http on loopback is allowed where the instance is there", () =>
    Effect.gen(function* () {
      const server = paths({ [sys]: answer(site("ID", "http://localhost:8080/identity")) })
      const found = yield* discover(server, undefined, "http://localhost:8080")
      assert.strictEqual(found.tokenEndpoint, "http://localhost:8080/identity/connect/token")
      assert.strictEqual((yield* Effect.flip(discover(server)))._tag, "InvalidInstance", "not from elsewhere")
    })
  )

  it.effect("addresses that hold a password, or are none, are refused and not repeated", () =>
    Effect.gen(function* () {
      for (const url of ["https://u:hunter2@testdb.my.erp.net/id", "hunter2", "/id", "javascript:hunter2"]) {
        const error = yield* Effect.flip(discover(paths({ [sys]: answer(site("ID", url)) })))
        assert.strictEqual(error._tag, "InvalidInstance")
        assert.notInclude(error.message, "hunter2")
      }
    })
  )

  it.effect("an input that cannot be used sends nothing", () =>
    Effect.gen(function* () {
      const server = paths({})
      assert.strictEqual(
        (yield* Effect.flip(discover(server, undefined, "http://testdb.my.erp.net")))._tag,
        "InvalidInstance"
      )
      assert.strictEqual(server.received.length, 0)
    })
  )
})
