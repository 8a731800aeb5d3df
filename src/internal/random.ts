/** Unguessable text: bytes of Web Crypto in base64url. `Effect.Random` is seedable, and not meant for secrets. */
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"

/** This many random bytes. */
export const bytes = (size: number): Effect.Effect<Uint8Array<ArrayBuffer>> =>
  Effect.sync(() => crypto.getRandomValues(new Uint8Array(size)))

/** 32 random bytes in base64url: 43 characters. */
export const text: Effect.Effect<string> = Effect.map(bytes(32), Encoding.encodeBase64Url)
