import { HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { callApi, demo, issueToken, json, layer, layerWith, send } from "./support.ts"

const get = (path: string) => send(HttpClientRequest.get(path))

describe("site", () => {
  it.effect("answers discovery on both paths", () =>
    Effect.gen(function* () {
      for (const path of ["/sys/auto-discovery", "/tools/auto-discovery"]) {
        const got = yield* get(path)
        assert.strictEqual(got.status, 200)
        assert.deepStrictEqual(json(got), {
          Host: "acme.my.erp.net",
          DbName: "E1_ACME",
          WebSites: [
            {
              Type: "ID",
              Status: "Working",
              StatusDescription: "",
              Url: "https://acme.my.erp.net/id",
              System: true,
              AdditionalProperties: null
            },
            {
              Type: "DomainAPI",
              Status: "Working",
              StatusDescription: "",
              Url: "https://acme.my.erp.net/api",
              System: false,
              AdditionalProperties: { ODataServiceRoot: "https://acme.my.erp.net/api/domain/odata/" }
            },
            {
              Type: "UserProfile",
              Status: "Working",
              StatusDescription: "",
              Url: "https://acme.my.erp.net/profile",
              System: true,
              AdditionalProperties: null
            }
          ]
        })
      }
    }).pipe(Effect.provide(layer({ name: "acme" })))
  )

  it.effect("has discovery where, and names the API site as, it is told to", () =>
    Effect.gen(function* () {
      const got = yield* Effect.provide(get("/sys/auto-discovery"), layer({ discoveryApiType: "API" }))
      assert.nestedPropertyVal(json(got), "WebSites[1].Type", "API")
      const statuses = (discoveryPaths: "sys" | "tools" | "none") =>
        Effect.provide(
          Effect.forEach(["sys", "tools"], (name) =>
            Effect.map(get(`/${name}/auto-discovery`), (answer) => answer.status)
          ),
          layer({ discoveryPaths })
        )
      assert.deepStrictEqual(yield* statuses("sys"), [200, 404])
      assert.deepStrictEqual(yield* statuses("tools"), [404, 200])
      assert.deepStrictEqual(yield* statuses("none"), [404, 404])
    })
  )

  it.effect("publishes its OpenID configuration and keys", () =>
    Effect.gen(function* () {
      const got = yield* get("/id/.well-known/openid-configuration")
      assert.strictEqual(got.headers["content-type"], "application/json; charset=UTF-8")
      const configuration = json(got)
      assert.propertyVal(configuration, "issuer", "https://testdb.my.erp.net/id")
      assert.propertyVal(configuration, "token_endpoint", "https://testdb.my.erp.net/id/connect/token")
      assert.deepPropertyVal(configuration, "grant_types_supported", [
        "authorization_code",
        "client_credentials",
        "refresh_token"
      ])
      const keys = JSON.parse((yield* get("/id/.well-known/openid-configuration/jwks")).body)
      assert.hasAllKeys(keys.keys[0], ["kty", "use", "kid", "e", "n", "alg"])
    }).pipe(Effect.provide(layer()))
  )

  it.effect("tells its version, which can change", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      assert.strictEqual((yield* get("/tools/ver")).body, "26.2.0.76")
      yield* erp.setVersion("27.1.0.1")
      assert.strictEqual((yield* get("/tools/ver")).body, "27.1.0.1")
      assert.include((yield* get("/")).body, "27.1.0.1")
      assert.propertyVal(json(yield* get("/tools/server-info")), "version", "27.1.0.1")
    }).pipe(Effect.provide(layer()))
  )

  it.effect("knows no other path and no other method", () =>
    Effect.gen(function* () {
      for (const path of ["/api", "/api/other", "/id/connect/other", "/Tools/ver", "/tools/ver/"]) {
        assert.strictEqual((yield* get(path)).status, 404)
      }
      const post = yield* send(HttpClientRequest.post("/tools/ver"))
      assert.strictEqual(post.status, 405)
      assert.strictEqual(post.headers["allow"], "GET, HEAD")
      const head = yield* send(HttpClientRequest.head("/tools/ver"))
      assert.strictEqual(head.status, 200)
      assert.strictEqual(head.body, "")
      assert.strictEqual(head.headers["content-length"], "9")
    }).pipe(Effect.provide(layer()))
  )
})

describe("engine", () => {
  it.effect("gets the request as it was sent, and its answer gets ERP.net's headers", () => {
    const seen: Array<unknown> = []
    const engine = layerWith(
      (request) => {
        const { headers, ...rest } = request
        seen.push({ ...rest, prefer: headers["prefer"] })
        return { status: 201, headers: { "x-own": "1" }, body: "{}" }
      },
      { version: "26.3.0.1" }
    )
    return Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const token = yield* issueToken({ ...demo, scope: "update" })
      const response = yield* client.execute(
        HttpClientRequest.patch(`${erp.instance.odata}A_B(1)/C%20D?$top=1&%24x=a+b`).pipe(
          HttpClientRequest.bearerToken(token),
          HttpClientRequest.setHeader("Prefer", "x"),
          HttpClientRequest.bodyStream(Stream.make(new Uint8Array([0xc3]), new Uint8Array([0xbc])))
        )
      )
      assert.strictEqual(response.status, 201)
      assert.strictEqual(response.headers["odata-version"], "4.0")
      assert.strictEqual(
        response.headers["content-type"],
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
      )
      assert.strictEqual(response.headers["x-own"], "1")
      const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString())
      assert.deepStrictEqual(seen, [
        {
          method: "PATCH",
          path: "A_B(1)/C%20D",
          query: "$top=1&%24x=a+b",
          body: "ü",
          scopes: ["update"],
          now: 0,
          serviceRoot: "https://testdb.my.erp.net/api/domain/odata/",
          version: "26.3.0.1",
          // a token that opens a session again opens another one
          session: `${jti} 1`,
          user: "svc.integration",
          prefer: "x"
        }
      ])
    }).pipe(Effect.provide(engine))
  })

  it.effect("that fails is a 500 with a text, not a defect of the caller", () =>
    Effect.gen(function* () {
      const got = yield* callApi(yield* issueToken())
      assert.strictEqual(got.status, 500)
      assert.nestedPropertyVal(json(got), "error.message", "The embedded instance failed: boom")
    }).pipe(
      Effect.provide(
        layerWith(() => {
          throw new Error("boom")
        })
      )
    )
  )

  it.effect("has data that a test can change from outside", () =>
    Effect.gen(function* () {
      const erp = yield* ErpNetEmulator.ErpNetEmulator
      const data = yield* erp.data
      const token = yield* issueToken()
      const [id = ""] = data.ids("Crm_Sales_Customers")
      const path = `/api/domain/odata/Crm_Sales_Customers(${id})`
      assert.strictEqual((yield* callApi(token, path)).status, 200)
      data.remove("Crm_Sales_Customers", id)
      assert.strictEqual((yield* callApi(token, path)).status, 404)
    }).pipe(Effect.provide(layer()))
  )
})
