/**
 * Where the refresh token of a person lives between exchanges: in memory, or sealed in a `KeyValueStore`.
 *
 * **Details**
 *
 * ERP.net accepts a refresh token once and answers with the next one, so a store holds the newest only. What is stored
 * is for the next run of the same process, not for a second one beside it: the licence terms of ERP.net give each
 * process a sign-in of its own. Access tokens are never stored.
 *
 * @example
 * ```ts
 * import { KeyValueStore } from "@effect/platform"
 * import { RefreshTokenStore } from "effect-erpnet"
 * import { Effect, Redacted } from "effect"
 *
 * export const program = Effect.gen(function* () {
 *   const encryptionKey = Redacted.make(crypto.getRandomValues(new Uint8Array(32)))
 *   const store = yield* RefreshTokenStore.keyValue({ key: "maria", encryptionKey })
 *   yield* store.set(Redacted.make("a refresh token"))
 *   return yield* store.get
 * }).pipe(Effect.provide(KeyValueStore.layerMemory))
 * ```
 *
 * @since 0.2.0
 */
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { RefreshTokenStoreError } from "./ErpNetError.ts"
import * as Random from "./internal/random.ts"

/**
 * Holds the newest refresh token of one person.
 *
 * @category services
 * @since 0.2.0
 */
export interface Service {
  /** The token, if there is one. */
  readonly get: Effect.Effect<Option.Option<Redacted.Redacted<string>>, RefreshTokenStoreError>
  /** Puts another token in its place. */
  readonly set: (token: Redacted.Redacted<string>) => Effect.Effect<void, RefreshTokenStoreError>
  /** Forgets the token; none is no error. */
  readonly remove: Effect.Effect<void, RefreshTokenStoreError>
  /**
   * Runs an Effect while no other user of the same store runs one. A store that one process uses alone needs none: a
   * provider runs one exchange at a time.
   */
  readonly exclusive?: <A, E, R>(use: Effect.Effect<A, E, R>) => Effect.Effect<A, E | RefreshTokenStoreError, R>
}

/**
 * A store that ends with the process.
 *
 * @category constructors
 * @since 0.2.0
 */
export const memory = (initial?: Redacted.Redacted<string> | undefined): Effect.Effect<Service> =>
  Effect.sync(() => {
    let token = Option.fromNullable(initial)
    return {
      get: Effect.sync(() => token),
      set: (next) =>
        Effect.sync(() => {
          token = Option.some(next)
        }),
      remove: Effect.sync(() => {
        token = Option.none()
      })
    }
  })

/**
 * Options of {@link keyValue}.
 *
 * @category options
 * @since 0.2.0
 */
export interface KeyValueOptions {
  /** The key of the record: one for each person, instance and application. */
  readonly key: string
  /** 32 random bytes that stay the same from run to run; any other length is a defect. */
  readonly encryptionKey: Redacted.Redacted<Uint8Array>
}

/** AES-GCM wants 12 bytes that are new for every record. */
const ivLength = 12

type Operation = RefreshTokenStoreError["operation"]

const failed = (operation: Operation) => (error: unknown) =>
  // the kind of the failure alone: its text may hold the record
  new RefreshTokenStoreError({
    operation,
    detail: error instanceof Error ? error.name : "the store failed"
  })

/**
 * A store in a `KeyValueStore`, sealed with AES-256-GCM by Web Crypto. The key of the record is bound in: a record that
 * was moved, changed, or sealed with another encryption key counts as none.
 *
 * @category constructors
 * @since 0.2.0
 */
export const keyValue = (options: KeyValueOptions): Effect.Effect<Service, never, KeyValueStore.KeyValueStore> =>
  Effect.gen(function* () {
    const { key } = options
    const store = yield* KeyValueStore.KeyValueStore
    const raw = new Uint8Array(Redacted.value(options.encryptionKey))
    if (raw.length !== 32) return yield* Effect.dieMessage("encryptionKey must have 32 bytes")
    const cryptoKey = yield* Effect.promise(() =>
      crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"])
    )
    const additionalData = new TextEncoder().encode(key)

    const seal = (token: string): Effect.Effect<string, RefreshTokenStoreError> =>
      Effect.gen(function* () {
        const iv = yield* Random.bytes(ivLength)
        const sealed = yield* Effect.tryPromise({
          try: () =>
            crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, cryptoKey, new TextEncoder().encode(token)),
          catch: failed("set")
        })
        return Encoding.encodeBase64(new Uint8Array([...iv, ...new Uint8Array(sealed)]))
      })

    /** What cannot be opened is none. */
    const open = (record: string): Effect.Effect<Option.Option<Redacted.Redacted<string>>> =>
      Effect.gen(function* () {
        const bytes = new Uint8Array(yield* Encoding.decodeBase64(record))
        const iv = bytes.subarray(0, ivLength)
        const plain = yield* Effect.tryPromise(() =>
          crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, cryptoKey, bytes.subarray(ivLength))
        )
        return Redacted.make(new TextDecoder().decode(plain))
      }).pipe(Effect.option)

    return {
      get: Effect.flatMap(
        Effect.mapError(store.get(key), failed("get")),
        Option.match({ onNone: () => Effect.succeedNone, onSome: open })
      ),
      set: (token) =>
        Effect.flatMap(seal(Redacted.value(token)), (record) => Effect.mapError(store.set(key, record), failed("set"))),
      remove: Effect.mapError(store.remove(key), failed("remove"))
    }
  })
