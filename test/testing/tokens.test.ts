import { assert, describe, it } from "@effect/vitest"
import * as Tokens from "../../src/testing/identity/tokens.ts"
import * as Random from "../../src/testing/server/random.ts"

const day = 86_400_000

const token = (issuedAt: number, expiresAt: number): Tokens.IssuedToken => ({
  kind: "access",
  fingerprint: String(issuedAt),
  clientId: "a",
  scopes: [],
  issuedAt,
  expiresAt
})

describe("issued tokens", () => {
  it("are remembered while they live and a day longer, those without an end always", () => {
    const tokens = Tokens.make()
    tokens.add("endless", token(0, Number.POSITIVE_INFINITY))
    tokens.add("old", token(0, 1000))
    tokens.add("live", token(500, day + 2000))
    tokens.mark({ _tag: "Revoked" }, () => true)
    tokens.add("next", token(day + 999, 2 * day))
    assert.deepStrictEqual(tokens.find("old")?.state, { _tag: "Revoked" })
    tokens.add("last", token(day + 1000, 2 * day))
    assert.isUndefined(tokens.find("old"))
    assert.deepStrictEqual(tokens.find("endless")?.state, { _tag: "Revoked" })
    assert.deepStrictEqual(tokens.find("live")?.state, { _tag: "Revoked" })
    assert.deepStrictEqual(tokens.find("next")?.state, { _tag: "Valid" })
  })
})

describe("random identifiers", () => {
  it("are the same for the same seed, of any length, and do not repeat", () => {
    const ids = (seed: number) => {
      const random = Random.make(seed)
      return Array.from({ length: 1000 }, () => random.hex(32))
    }
    assert.deepStrictEqual(ids(1), ids(1))
    assert.strictEqual(new Set([...ids(1), ...ids(2)]).size, 2000)
    assert.match(Random.make(0).hex(3), /^[0-9A-F]{3}$/)
    assert.match(Random.make(0).hex(64), /^[0-9A-F]{64}$/)
  })
})
