import { inspect } from "node:util"
import { HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallerResponse from "../../src/internal/callerResponse.ts"

const own = HttpClientRequest.get("Crm_Customers")
const sent = HttpClientRequest.get("https://testdb.my.erp.net/", { headers: { authorization: "Bearer s3cr3t" } })
const secrets = () => ["s3cr3t"]

describe("clientError", () => {
  it("keeps class, reason and a masked description, and drops what hangs on the cause", () => {
    const cause = Object.assign(
      new TypeError("with s3cr3t", { cause: { message: "inner", code: "ECONNRESET", sent } }),
      {
        sent
      }
    )
    const error = CallerResponse.clientError(
      new HttpClientError.RequestError({ request: sent, reason: "InvalidUrl", description: "s3cr3t", cause }),
      own,
      secrets
    )
    assert.instanceOf(error, HttpClientError.RequestError)
    assert.deepInclude(error, { reason: "InvalidUrl", description: "<redacted>", request: own })
    assert.deepInclude(error.cause, { name: "TypeError", message: "with <redacted>" })
    const inner = error.cause instanceof Error ? error.cause.cause : undefined
    assert.deepInclude(inner, { name: "Error", message: "inner", code: "ECONNRESET" })
    assert.notInclude(inspect(error, { depth: null, showHidden: true, customInspect: false }), "s3cr3t")
  })

  it("has no description and no cause where there was none", () => {
    const error = CallerResponse.clientError(
      new HttpClientError.RequestError({ request: sent, reason: "Transport" }),
      own,
      secrets
    )
    assert.strictEqual(error.message, "Transport error (GET Crm_Customers)")
    assert.isUndefined(error.cause)
  })

  it("ends after a few causes", () => {
    const chain = Array.from({ length: 20 }).reduce<Error | undefined>(
      (cause, _, index) => new Error(`level ${index}`, { cause }),
      undefined
    )
    const error = CallerResponse.requestError(
      new HttpClientError.RequestError({ request: sent, reason: "Transport", cause: chain }),
      own,
      []
    )
    let depth = 0
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) depth += 1
    assert.strictEqual(depth, 5)
  })

  it.effect("wraps the response of a ResponseError", () =>
    Effect.gen(function* () {
      const response = HttpClientResponse.fromWeb(sent, Response.json({ a: 1 }, { status: 500 }))
      const error = CallerResponse.clientError(
        new HttpClientError.ResponseError({ request: sent, response, reason: "StatusCode" }),
        own,
        secrets
      )
      assert.instanceOf(error, HttpClientError.ResponseError)
      assert.strictEqual(error.response.request, own)
      assert.strictEqual(error.response.status, 500)
      assert.deepStrictEqual(yield* error.response.json, { a: 1 })
      assert.notInclude(inspect(error, { depth: null, showHidden: true, customInspect: false }), "s3cr3t")
    })
  )
})
