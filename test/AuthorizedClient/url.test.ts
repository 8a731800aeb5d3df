import { HttpBody, HttpClient, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Layer, Option } from "effect"
import { Instance } from "effect-erpnet"
import { clientOf, fakeApi, token, tokenNumber, unauthorized } from "../support/fakeApi.ts"
import { instance } from "../support/fixtures.ts"

const ok = () => new Response("[]")

const root = "https://testdb.my.erp.net/api/domain/odata/"

const called = (url: string) =>
  Effect.gen(function* () {
    const fake = fakeApi(ok)
    const { client } = yield* clientOf(fake)
    yield* client.get(url)
    return fake.calls[0]
  })

describe("AuthorizedClient: URLs", () => {
  const resolved: ReadonlyArray<readonly [string, string]> = [
    ["Crm_Customers", `${root}Crm_Customers`],
    ["Crm_Customers?$top=10", `${root}Crm_Customers?$top=10`],
    ["./Crm_Customers", `${root}Crm_Customers`],
    ["", root],
    ["?$top=1", `${root}?$top=1`],
    ["../", "https://testdb.my.erp.net/api/domain/"],
    ["../../../../../etc/passwd", "https://testdb.my.erp.net/etc/passwd"],
    ["a/%2e%2e/b", `${root}b`],
    ["/", "https://testdb.my.erp.net/"],
    ["/api/domain/odata/$metadata", `${root}$metadata`],
    ["/other/path?x=1", "https://testdb.my.erp.net/other/path?x=1"],
    [`${root}Crm_Customers(1)`, `${root}Crm_Customers(1)`],
    ["https://TESTDB.MY.ERP.NET:443/x", "https://testdb.my.erp.net/x"],
    ["//testdb.my.erp.net/x", "https://testdb.my.erp.net/x"],
    ["\\\\testdb.my.erp.net\\x", "https://testdb.my.erp.net/x"],
    ["https:Crm_Customers", `${root}Crm_Customers`],
    [" \n Crm_Customers ", `${root}Crm_Customers`],
    ["Crm_Customers#fragment", `${root}Crm_Customers`],
    ["Crm_Customers?$top=1#//evil.example", `${root}Crm_Customers?$top=1`],
    ["https://user:p4ss@testdb.my.erp.net/x", "https://testdb.my.erp.net/x"],
    ["//user@testdb.my.erp.net/x", "https://testdb.my.erp.net/x"]
  ]
  for (const [given, expected] of resolved) {
    it.scoped(`${JSON.stringify(given)} goes to ${expected}`, () =>
      Effect.gen(function* () {
        const call = yield* called(given)
        assert.strictEqual(call?.url.href, expected)
        assert.strictEqual(call?.token, tokenNumber(1))
      })
    )
  }

  const foreign: ReadonlyArray<readonly [string, string]> = [
    ["https://evil.example/", "https://evil.example"],
    ["http://testdb.my.erp.net/x", "http://testdb.my.erp.net"],
    ["https://testdb.my.erp.net:8443/x", "https://testdb.my.erp.net:8443"],
    ["https://testdb.my.erp.net.evil.example/", "https://testdb.my.erp.net.evil.example"],
    ["https://testdb.my.erp.net@evil.example/", "https://evil.example"],
    ["https://evil.example\\@testdb.my.erp.net/", "https://evil.example"],
    ["//evil.example/x", "https://evil.example"],
    ["\\\\evil.example/x", "https://evil.example"],
    ["/\\evil.example/x", "https://evil.example"],
    ["\\/evil.example", "https://evil.example"],
    ["/\t/evil.example", "https://evil.example"],
    ["\n//evil.example", "https://evil.example"],
    ["///evil.example", "https://evil.example"],
    ["https:\\\\evil.example", "https://evil.example"],
    ["javascript:alert(1)", "null"],
    ["data:text/plain,x", "null"],
    ["file:///etc/passwd", "null"]
  ]
  for (const [given, origin] of foreign) {
    it.scoped(`${JSON.stringify(given)} is ForeignOrigin before a token is fetched`, () =>
      Effect.gen(function* () {
        const fake = fakeApi(ok)
        const { client } = yield* clientOf(fake)
        const error = yield* Effect.flip(client.get(given))
        assert.strictEqual(error._tag, "ForeignOrigin")
        assert.propertyVal(error, "origin", origin)
        assert.propertyVal(error, "expected", "https://testdb.my.erp.net")
        assert.lengthOf(fake.calls, 0)
        assert.lengthOf(fake.exchanges, 0)
      })
    )
  }

  it.scoped("a URL that cannot be parsed is RequestError before a token is fetched", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const { client } = yield* clientOf(fake)
      const error = yield* Effect.flip(client.get("https://[bad"))
      assert.strictEqual(error._tag, "RequestError")
      assert.propertyVal(error, "reason", "InvalidUrl")
      assert.lengthOf(fake.exchanges, 0)
    })
  )

  it.effect("whatever the URL, no request leaves the origin of the instance", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(
          FastCheck.array(
            FastCheck.oneof(
              FastCheck.constantFrom("/", "\\", "//", "@", ":", "?", "#", "..", "https:", "http:", "\t", "%2f", "%5c"),
              FastCheck.constantFrom("evil.example", "testdb.my.erp.net", "testdb", "[::1]", ":443", ":80", " "),
              FastCheck.string({ maxLength: 4 })
            ),
            { maxLength: 8 }
          ),
          async (parts) => {
            const fake = fakeApi(ok)
            await clientOf(fake).pipe(
              Effect.flatMap(({ client }) => client.get(parts.join(""))),
              Effect.either,
              Effect.scoped,
              Effect.runPromise
            )
            for (const call of fake.calls) assert.isTrue(Instance.owns(instance, call.url), call.url.href)
          }
        ),
        { numRuns: 300 }
      )
    )
  )

  it.scoped("a link of the server goes out byte for byte, also when it is sent again", () =>
    Effect.gen(function* () {
      const link = `${root}Crm_Customers?$filter=Name%20eq%20%27%c3%9c%2f%2B+~%7E%27&$skiptoken=%2a!*()|[]{}^%41,;:@/?&&=&x`
      const fake = fakeApi((call) => (call.token === tokenNumber(1) ? unauthorized() : ok()))
      const { client } = yield* clientOf(fake)
      yield* client.get(link)
      assert.deepStrictEqual(
        fake.calls.map((call) => call.sent),
        [link, link]
      )
      assert.strictEqual(fake.calls[0]?.url.href, link)
    })
  )

  it.scoped("urlParams of the request are added to the query", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const { client } = yield* clientOf(fake)
      yield* client.execute(
        HttpClientRequest.get("Crm_Customers?a=1").pipe(
          HttpClientRequest.setUrlParams({ b: "2 3", c: "&" }),
          HttpClientRequest.setHash("fragment")
        )
      )
      assert.strictEqual(fake.calls[0]?.url.href, `${root}Crm_Customers?a=1&b=2+3&c=%26`)
    })
  )

  it.scoped("an instance whose API has moved owns that origin and not its own", () =>
    Effect.gen(function* () {
      const moved = yield* Instance.make("testdb", { odata: "https://api.example:8443/odata" })
      assert.isTrue(Instance.owns(moved, "https://api.example:8443/x"))
      assert.isFalse(Instance.owns(moved, root))
    })
  )

  it.scoped("user name and password are neither sent nor shown", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => "reset")
      const { client } = yield* clientOf(fake)
      const error = yield* Effect.flip(client.get("https://user:p4ss@testdb.my.erp.net/x?y=1"))
      assert.strictEqual(fake.calls[0]?.headers["authorization"], `Bearer ${tokenNumber(1)}`)
      assert.strictEqual(error.message, "Transport error (GET https://testdb.my.erp.net/x?y=1)")
    })
  )

  it.scoped("the caller's own Authorization is replaced, in every spelling, and every other header stays", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const { client } = yield* clientOf(fake)
      const response = yield* client.post("Crm_Customers", {
        headers: { AUTHORIZATION: "Basic bWU6c2VjcmV0", Prefer: "return=minimal", "X-Count": "1" },
        body: HttpBody.unsafeJson({ a: 1 })
      })
      const { authorization, prefer, "x-count": count } = fake.calls[0]?.headers ?? {}
      assert.deepStrictEqual([authorization, prefer, count], [`Bearer ${tokenNumber(1)}`, "return=minimal", "1"])
      assert.strictEqual(fake.calls[0]?.text, '{"a":1}')
      assert.isFalse("authorization" in response.request.headers)
      assert.strictEqual(response.request.headers["prefer"], "return=minimal")
      assert.strictEqual(response.request.url, "Crm_Customers")
    })
  )

  it.scoped("dropping the Authorization keeps the rest of the request", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const { client } = yield* clientOf(fake)
      const request = HttpClientRequest.patch("a?x=1", { headers: { authorization: "mine" } }).pipe(
        HttpClientRequest.setUrlParam("y", "2"),
        HttpClientRequest.setHash("part"),
        HttpClientRequest.bodyText("text", "text/csv")
      )
      const response = yield* client.execute(request)
      assert.strictEqual(fake.calls[0]?.url.href, `${root}a?x=1&y=2`)
      assert.deepInclude(fake.calls[0], { method: "PATCH", text: "text", contentType: "text/csv" })
      assert.strictEqual(Option.getOrUndefined(response.request.hash), "part")
      assert.deepStrictEqual(response.request.urlParams, [["y", "2"]])
      assert.strictEqual(response.request.body, request.body)
    })
  )

  it.scoped("without an Authorization the response is bound to the very request of the caller", () =>
    Effect.gen(function* () {
      const { client } = yield* clientOf(fakeApi(ok))
      const request = HttpClientRequest.get("Crm_Customers")
      assert.strictEqual((yield* client.execute(request)).request, request)
    })
  )

  it.scoped("no token, no call", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok, () => Response.json({ error: "invalid_client" }, { status: 400 }))
      const { client } = yield* clientOf(fake)
      assert.strictEqual((yield* Effect.flip(client.get("x")))._tag, "InvalidClient")
      assert.lengthOf(fake.calls, 0)
    })
  )

  it.scoped("each method reaches the API, over what a user puts on top of the client", () =>
    Effect.gen(function* () {
      const fake = fakeApi(() => Response.json({ value: [] }))
      const { client } = yield* clientOf(fake)
      const mine = client.pipe(
        HttpClient.mapRequest(HttpClientRequest.prependUrl("/api/v2/")),
        HttpClient.mapRequest(HttpClientRequest.setHeader("x-mine", "yes")),
        HttpClient.filterStatusOk
      )
      yield* mine.get("a")
      yield* mine.head("a")
      yield* mine.post("a", { body: HttpBody.text("1") })
      yield* mine.put("a", { body: HttpBody.text("2") })
      yield* mine.patch("a", { body: HttpBody.text("3") })
      yield* mine.del("a")
      yield* mine.options("a")
      assert.deepStrictEqual(
        fake.calls.map((call) => `${call.method} ${call.url.pathname} ${call.text} ${call.headers["x-mine"]}`),
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map(
          (method) => `${method} /api/v2/a ${{ POST: 1, PUT: 2, PATCH: 3 }[method] ?? ""} yes`
        )
      )
    })
  )

  it.scoped("a client that prepends the root of the instance works, as does one for a foreign root fail", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const { client } = yield* clientOf(fake)
      yield* client.pipe(HttpClient.mapRequest(HttpClientRequest.prependUrl(instance.odata))).get("Crm_Customers")
      assert.strictEqual(fake.calls[0]?.url.href, `${root}Crm_Customers`)
      const foreignRoot = client.pipe(HttpClient.mapRequest(HttpClientRequest.prependUrl("https://evil.example")))
      assert.strictEqual((yield* Effect.flip(foreignRoot.get("Crm_Customers")))._tag, "ForeignOrigin")
    })
  )

  it.scoped("redirects are handed back, also those that a user follows on top stay inside the instance", () =>
    Effect.gen(function* () {
      const to = (location: string) => new Response("moved", { status: 302, headers: { location } })
      const fake = fakeApi((call) => {
        if (call.url.pathname === "/inside") return to("/end")
        return call.url.pathname === "/outside" ? to("https://evil.example/steal") : ok()
      })
      const { client } = yield* clientOf(fake)
      for (const status of [300, 301, 302, 303, 304, 307, 308]) {
        const own = fakeApi(() => new Response(null, { status, headers: { location: "https://evil.example/" } }))
        const response = yield* (yield* clientOf(own)).client.get("x")
        assert.deepStrictEqual([response.status, response.headers["location"]], [status, "https://evil.example/"])
        assert.lengthOf(own.calls, 1)
      }
      const following = HttpClient.followRedirects(client)
      assert.strictEqual((yield* following.get(`${new URL(root).origin}/inside`)).status, 200)
      const error = yield* Effect.flip(following.get(`${new URL(root).origin}/outside`))
      assert.strictEqual(error._tag, "ForeignOrigin")
      assert.deepStrictEqual(
        fake.calls.map((call) => call.url.href),
        ["inside", "end", "outside"].map((path) => `https://testdb.my.erp.net/${path}`)
      )
    })
  )

  it.scoped("a transport that follows redirects to another host is found out", () =>
    Effect.gen(function* () {
      const hops: Array<string> = []
      const bare = HttpClient.make((request, url) => {
        hops.push(url.href)
        const answer =
          url.href === instance.tokenEndpoint
            ? token(1)
            : url.host === "evil.example"
              ? new Response("stolen")
              : new Response(null, { status: 307, headers: { location: "https://evil.example/x" } })
        return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
      })
      const following = Layer.succeed(HttpClient.HttpClient, HttpClient.followRedirects(bare))
      const { client } = yield* clientOf({ layer: following })
      const error = yield* Effect.flip(client.get("x"))
      assert.strictEqual(error._tag, "ForeignOrigin")
      assert.propertyVal(error, "origin", "https://evil.example")
      assert.strictEqual(hops.at(-1), "https://evil.example/x")
    })
  )

  it.scoped("replacing the caller's Authorization changes nothing else of the request that is shown", () =>
    Effect.gen(function* () {
      const { client } = yield* clientOf(fakeApi(ok))
      const authorized = HttpClientRequest.get("x").pipe(HttpClientRequest.setHeader("authorization", "Basic mine"))
      const plain = yield* client.execute(authorized)
      assert.strictEqual(plain.request.hash._tag, "None")
      const marked = yield* client.execute(HttpClientRequest.setHash(authorized, "part"))
      assert.strictEqual(Option.getOrUndefined(marked.request.hash), "part")
      assert.notProperty(marked.request.headers, "authorization")
    })
  )

  for (const userInfo of ["user", ":password", "user:password"]) {
    it.scoped(`${userInfo}@ in a URL is neither sent nor shown`, () =>
      Effect.gen(function* () {
        const fake = fakeApi(ok)
        const { client } = yield* clientOf(fake)
        const response = yield* client.get(`https://${userInfo}@testdb.my.erp.net/api/domain/odata/x`)
        assert.strictEqual(fake.calls[0]?.sent, `${root}x`)
        assert.notInclude(response.request.url, "@")
      })
    )
  }

  it.scoped("a URL that cannot be parsed says so", () =>
    Effect.gen(function* () {
      const { client } = yield* clientOf(fakeApi(ok))
      const error = yield* Effect.flip(client.get("https://[nowhere"))
      assert.include(error.message, "the URL cannot be parsed")
    })
  )

  it.scoped("a transport that rewrites paths of the same origin is no redirect", () =>
    Effect.gen(function* () {
      const fake = fakeApi(ok)
      const rewriting = HttpClient.mapRequest(fake.http, (request) =>
        request.url === `${root}x` ? HttpClientRequest.setUrl(request, `${root}y`) : request
      )
      const { client } = yield* clientOf({ layer: Layer.succeed(HttpClient.HttpClient, rewriting) })
      assert.strictEqual((yield* client.get("x")).status, 200)
      assert.strictEqual(fake.calls[0]?.url.href, `${root}y`)
    })
  )

  it.scoped("a transport that makes errors of statuses changes nothing: a 401 is renewed, a 404 passes through", () =>
    Effect.gen(function* () {
      const fake = fakeApi((call, index) => (index === 1 ? unauthorized() : new Response(call.token, { status: 404 })))
      const strict = Layer.succeed(HttpClient.HttpClient, HttpClient.filterStatusOk(fake.http))
      const { client } = yield* clientOf({ layer: strict })
      const response = yield* client.get("x")
      assert.strictEqual(response.status, 404)
      assert.deepStrictEqual(
        fake.calls.map((call) => call.token),
        [tokenNumber(1), tokenNumber(2)]
      )
    })
  )

  it.scoped("a defect of the transport stays a defect, and is told without the token", () =>
    Effect.gen(function* () {
      const { client } = yield* clientOf(fakeApi((call) => Effect.die(new Error(`bad header ${call.token}`))))
      const exit = yield* Effect.exit(client.get("x"))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "bad header <redacted>")
    })
  )
})
