import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc, Redacted } from "effect"
import { AccessToken } from "effect-erpnet"
import * as Lease from "../../src/TokenProvider/lease.ts"

const zones: Lease.Zones = { expiryLeeway: 60_000, renewAhead: 120_000, minimumTokenAge: 30_000 }

const tokenOf = (issuedAt: number, lifetime: number) =>
  AccessToken.make({ value: Redacted.make("token"), scopes: [], issuedAt, expiresAt: issuedAt + lifetime })

const anyZones = fc.record({
  expiryLeeway: fc.integer({ min: 0, max: 600_000 }),
  renewAhead: fc.integer({ min: 0, max: 600_000 }),
  minimumTokenAge: fc.integer({ min: 0, max: 600_000 })
})
const anyLifetime = fc.integer({ min: 1, max: 7_200_000 })
const order: ReadonlyArray<Lease.Zone> = ["fresh", "ahead", "late", "expired"]

describe("lease: zones", () => {
  it("begin where the settings say", () => {
    const lease = Lease.make(tokenOf(0, 3_600_000), 0, zones, false)
    const at = (now: number) => Lease.zone(lease, now, 0, zones)
    assert.deepStrictEqual([0, 3_479_999, 3_480_000, 3_539_999, 3_540_000, 3_599_999, 3_600_000].map(at), [
      "fresh",
      "fresh",
      "ahead",
      "ahead",
      "late",
      "late",
      "expired"
    ])
  })

  it("follow each other, whatever the settings and the lifetime", () => {
    void fc.assert(
      fc.property(anyZones, anyLifetime, fc.array(fc.nat(8_000_000), { minLength: 2 }), (zones, lifetime, times) => {
        const lease = Lease.make(tokenOf(0, lifetime), 0, zones, false)
        const seen = times.sort((a, b) => a - b).map((now) => order.indexOf(Lease.zone(lease, now, 0, zones)))
        assert.deepStrictEqual(seen, [...seen].sort())
        for (const now of times) {
          assert.strictEqual(Lease.zone(lease, now, 0, zones) === "expired", now >= lifetime)
        }
      })
    )
  })

  it("leave at least half of the lifetime fresh", () => {
    void fc.assert(
      fc.property(anyZones, anyLifetime, fc.integer(), (zones, lifetime, issuedAt) => {
        const lease = Lease.make(tokenOf(issuedAt, lifetime), issuedAt, zones, false)
        assert.isAtLeast(lease.freshUntil, issuedAt + lifetime / 2)
        assert.isAtLeast(lease.waitFrom, lease.freshUntil)
      })
    )
  })

  it("of a token without expiry are one", () => {
    const lease = Lease.make(tokenOf(0, Number.POSITIVE_INFINITY), 0, zones, false)
    assert.strictEqual(Lease.zone(lease, Number.MAX_SAFE_INTEGER, 0, zones), "fresh")
  })

  it("a clock set back by more than the leeway makes the token late, by less it does not", () => {
    const lease = Lease.make(tokenOf(0, 3_600_000), 0, zones, false)
    assert.strictEqual(Lease.zone(lease, 1_000_000, 1_060_000, zones), "fresh")
    assert.strictEqual(Lease.zone(lease, 1_000_000, 1_060_001, zones), "late")
  })
})

describe("lease: pauses between attempts", () => {
  const failuresOf = (count: number, retryAfter = 0): Lease.Failures =>
    Array.from({ length: count }).reduce<Lease.Failures>((failures) => Lease.failed(failures, 1000, retryAfter), {
      ...Lease.noFailures
    })

  it("ahead of expiry double from 10 seconds to a minute", () => {
    for (const [count, pause] of [
      [1, 10_000],
      [2, 20_000],
      [3, 40_000],
      [4, 60_000],
      [50, 60_000]
    ] as const) {
      assert.isTrue(Lease.pausesAhead(failuresOf(count), 1000 + pause - 1), `${count}`)
      assert.isFalse(Lease.pausesAhead(failuresOf(count), 1000 + pause), `${count}`)
    }
  })

  it("are none without a failure, and as long as the server asked for", () => {
    assert.isFalse(Lease.pausesAhead(Lease.noFailures, 0))
    assert.isFalse(Lease.pausesLate(Lease.noFailures, 0))
    assert.isTrue(Lease.pausesLate(failuresOf(1, 90_000), 90_999))
    assert.isFalse(Lease.pausesLate(failuresOf(1, 90_000), 91_000))
    assert.isTrue(Lease.pausesAhead(failuresOf(1, 90_000), 90_999))
  })

  it("end when the clock is set back", () => {
    void fc.assert(
      fc.property(fc.nat(20), fc.nat(100_000), fc.nat(999), (count, retryAfter, now) => {
        assert.isFalse(Lease.pausesAhead(failuresOf(count, retryAfter), now))
        assert.isFalse(Lease.pausesLate(failuresOf(count, retryAfter), now))
      })
    )
  })

  it("a late token is asked for again at once after one failure, not after two", () => {
    assert.isFalse(Lease.pausesLate(failuresOf(1), 1000))
    assert.isTrue(Lease.pausesLate(failuresOf(2), 10_999))
    assert.isFalse(Lease.pausesLate(failuresOf(2), 11_000))
  })
})

describe("lease: a renewed token", () => {
  it("is kept for its minimum age, and only where it came from a renewal", () => {
    const renewed = Lease.make(tokenOf(0, 3_600_000), 500, zones, true)
    assert.isTrue(Lease.isTooYoung(renewed, 30_499, zones))
    assert.isFalse(Lease.isTooYoung(renewed, 30_500, zones))
    assert.isFalse(Lease.isTooYoung(renewed, 499, zones))
    assert.isFalse(Lease.isTooYoung(Lease.make(tokenOf(0, 3_600_000), 500, zones, false), 500, zones))
  })
})
