/** The table of faults: what codes along causes, and statuses, come to. */
import { assert, describe, it } from "@effect/vitest"
import * as Faults from "../../src/internal/faults.ts"

const coded = (code: string, cause?: unknown): Error => Object.assign(new Error("secret text", { cause }), { code })

describe("faults of the transport", () => {
  it("the most telling code along the causes is taken, in whatever place", () => {
    assert.strictEqual(Faults.detailOf(coded("ECONNREFUSED")), "ECONNREFUSED")
    assert.strictEqual(Faults.detailOf(new TypeError("fetch failed", { cause: coded("ENOTFOUND") })), "ENOTFOUND")
    assert.strictEqual(
      Faults.detailOf(coded("UND_ERR_ABORTED", coded("CERT_HAS_EXPIRED"))),
      "CERT_HAS_EXPIRED",
      "behind a vague one"
    )
    const several = Object.assign(new AggregateError([coded("SOME_CODE"), coded("ENETUNREACH")], ""), {})
    assert.strictEqual(Faults.detailOf(new Error("x", { cause: several })), "ENETUNREACH")
    assert.strictEqual(
      Faults.detailOf(coded("UND_ERR_PRX_TLS", coded("ERR_TLS_CERT_ALTNAME_INVALID"))),
      "ERR_TLS_CERT_ALTNAME_INVALID"
    )
    assert.strictEqual(Faults.detailOf(coded("not a code")), undefined)
    assert.strictEqual(Faults.detailOf("text"), undefined)
    const loop: Error = new Error("loop")
    loop.cause = loop
    assert.strictEqual(Faults.detailOf(loop), undefined)
  })

  it("the refusal of a proxy is its status", () => {
    const tunnel = Object.assign(new Error("Proxy response (403) !== 200 when HTTP Tunneling"), {
      code: "UND_ERR_ABORTED"
    })
    assert.strictEqual(Faults.detailOf(tunnel), "the proxy answered 403")
    assert.strictEqual(Faults.detailOf(new TypeError("fetch failed", { cause: tunnel })), "the proxy answered 403")
    assert.strictEqual(
      Faults.detailOf(new TypeError("fetch failed", { cause: new Error("") })),
      "the proxy answered 407"
    )
    assert.strictEqual(Faults.detailOf(new TypeError("fetch failed", { cause: new Error("bad port") })), undefined)
  })

  it.each([
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls", true, true],
    ["CRL_HAS_EXPIRED", "tls", true, true],
    ["CERT_SIGNATURE_FAILURE", "tls", true, true],
    ["ERR_OSSL_UNSUPPORTED", "tls", true, true],
    ["ERR_TLS_HANDSHAKE_TIMEOUT", "slow", false, true],
    ["EPROTO", "tls", true, true],
    ["ECONNREFUSED", "refused", false, true],
    ["ECONNRESET", "cut", false, false],
    ["ETIMEDOUT", "route", false, false],
    ["UND_ERR_CONNECT_TIMEOUT", "route", false, true],
    ["toString", "other", false, false],
    ["SOMETHING_ELSE", "other", false, false],
    ["the proxy answered 407", "proxy", true, true],
    ["the proxy answered 403", "proxy", true, true],
    ["the proxy answered 502", "proxy", false, true],
    [undefined, "other", false, false]
  ] as const)("%s", (detail, kind, isPermanent, isUnsent) => {
    const fault = Faults.ofDetail(detail)
    assert.deepStrictEqual(
      { kind: fault.kind, isPermanent: fault.isPermanent, isUnsent: fault.isUnsent },
      { kind, isPermanent, isUnsent }
    )
    assert.match(fault.advice, /\.$/)
  })

  it("statuses that pass", () => {
    const passing = Array.from({ length: 600 }, (_, status) => status).filter(Faults.isTransientStatus)
    for (const status of [408, 425, 429, 500, 502, 503, 504, 522]) assert.include(passing, status)
    for (const status of [0, 200, 301, 400, 401, 403, 404, 407, 409, 501, 505, 511]) assert.notInclude(passing, status)
    assert.isFalse(Faults.isTransientStatus(undefined))
  })
})
