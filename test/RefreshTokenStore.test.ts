import { inspect } from "node:util"
import { KeyValueStore } from "@effect/platform"
import { SystemError } from "@effect/platform/Error"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Option, Redacted } from "effect"
import { RefreshTokenStore } from "effect-erpnet"

const encryptionKey = Redacted.make(new Uint8Array(32).fill(7))
const token = Redacted.make("A7C0FFEE".repeat(8))
const plain = (stored: Option.Option<Redacted.Redacted<string>>) =>
  Option.getOrUndefined(Option.map(stored, Redacted.value))

const keepsTheNewest = (store: RefreshTokenStore.Service) =>
  Effect.gen(function* () {
    assert.isUndefined(plain(yield* store.get))
    yield* store.set(token)
    yield* store.set(Redacted.make("newer"))
    assert.strictEqual(plain(yield* store.get), "newer")
    yield* store.remove
    yield* store.remove
    assert.isUndefined(plain(yield* store.get))
  })

describe("memory", () => {
  it.effect("keeps the newest token", () => Effect.flatMap(RefreshTokenStore.memory(), keepsTheNewest))

  it.effect("starts with a token", () =>
    Effect.gen(function* () {
      const store = yield* RefreshTokenStore.memory(token)
      assert.strictEqual(plain(yield* store.get), Redacted.value(token))
    })
  )
})

const records = Effect.gen(function* () {
  const map = new Map<string, string>()
  const layer = yield* KeyValueStore.KeyValueStore
  return {
    map,
    store: KeyValueStore.make({
      ...layer,
      get: (key) => Effect.sync(() => Option.fromNullable(map.get(key))),
      set: (key, value) => Effect.sync(() => void map.set(key, String(value))),
      remove: (key) => Effect.sync(() => void map.delete(key))
    })
  }
}).pipe(Effect.provide(KeyValueStore.layerMemory))

const sealed = (store: KeyValueStore.KeyValueStore, key = "maria", secret = encryptionKey) =>
  Effect.provideService(RefreshTokenStore.keyValue({ key, encryptionKey: secret }), KeyValueStore.KeyValueStore, store)

describe("keyValue", () => {
  it.effect("keeps the newest token", () =>
    Effect.flatMap(records, ({ store }) => Effect.flatMap(sealed(store), keepsTheNewest))
  )

  it.effect("is opened by another run with the same key, and seals the same token differently each time", () =>
    Effect.gen(function* () {
      const { map, store } = yield* records
      const first = yield* sealed(store)
      yield* first.set(token)
      const record = map.get("maria")
      assert.strictEqual(plain(yield* (yield* sealed(store)).get), Redacted.value(token))
      yield* first.set(token)
      assert.notStrictEqual(map.get("maria"), record)
    })
  )

  it.effect("a record of another key, or one that was moved, is none", () =>
    Effect.gen(function* () {
      const { map, store } = yield* records
      yield* (yield* sealed(store)).set(token)
      map.set("peter", map.get("maria") ?? "")
      assert.isUndefined(plain(yield* (yield* sealed(store, "peter")).get))
      const other = Redacted.make(new Uint8Array(32).fill(8))
      assert.isUndefined(plain(yield* (yield* sealed(store, "maria", other)).get))
      assert.strictEqual(plain(yield* (yield* sealed(store)).get), Redacted.value(token))
    })
  )

  it.effect("a record with any byte changed, cut off or added is none", () =>
    Effect.gen(function* () {
      const { map, store } = yield* records
      const mine = yield* sealed(store)
      yield* mine.set(token)
      const record = Buffer.from(map.get("maria") ?? "", "base64")
      const damaged = FastCheck.oneof(
        FastCheck.record({ at: FastCheck.nat(record.length - 1), by: FastCheck.integer({ min: 1, max: 255 }) }).map(
          ({ at, by }) => Buffer.from(record.map((byte, index) => (index === at ? byte ^ by : byte))).toString("base64")
        ),
        FastCheck.nat(record.length - 1).map((length) => record.subarray(0, length).toString("base64")),
        FastCheck.base64String({ minLength: 4, maxLength: 8 }).map((more) => record.toString("base64") + more),
        FastCheck.string()
      )
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(damaged, async (text) => {
            map.set("maria", text)
            assert.isUndefined(plain(await Effect.runPromise(mine.get)))
          }),
          { numRuns: 500 }
        )
      )
    })
  )

  it.effect("holds no token in clear text", () =>
    Effect.gen(function* () {
      const { map, store } = yield* records
      const mine = yield* sealed(store)
      yield* mine.set(token)
      const record = map.get("maria") ?? ""
      for (const text of [
        record,
        Buffer.from(record, "base64").toString("latin1"),
        inspect(mine),
        inspect(yield* mine.get)
      ]) {
        assert.notInclude(text, "A7C0FFEE")
      }
    })
  )

  it.effect("a store that fails is a RefreshTokenStoreError that quotes nothing", () =>
    Effect.gen(function* () {
      const { store } = yield* records
      const failure = Effect.fail(
        new SystemError({
          reason: "PermissionDenied",
          module: "KeyValueStore",
          method: "any",
          description: Redacted.value(token)
        })
      )
      const mine = yield* sealed({ ...store, get: () => failure, set: () => failure, remove: () => failure })
      for (const [operation, run] of [
        ["get", mine.get],
        ["set", mine.set(token)],
        ["remove", mine.remove]
      ] as const) {
        const error = yield* Effect.flip(run)
        assert.strictEqual(error._tag, "RefreshTokenStoreError")
        assert.strictEqual(error.operation, operation)
        assert.notInclude(`${inspect(error)}${JSON.stringify(error)}`, "A7C0FFEE")
      }
    })
  )

  it.effect("a key of another length is a defect", () =>
    Effect.gen(function* () {
      const { store } = yield* records
      const exit = yield* Effect.exit(sealed(store, "maria", Redacted.make(new Uint8Array(16))))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
    })
  )
})
