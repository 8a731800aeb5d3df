import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Transport from "./transport.ts"

/** The body is longer than the limit of the caller. */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly limit: number }> {}

/** The connection broke before the body was whole. `detail` describes the platform's error without its request. */
export class BodyBroken extends Data.TaggedError("BodyBroken")<{ readonly detail: string | undefined }> {}

const defaultLimit = 1024 * 1024

const declaredLength = (response: HttpClientResponse.HttpClientResponse): number | undefined => {
  const header = response.headers["content-length"]
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined
}

/**
 * The bytes of a body; an empty one has none. The platform's error, which holds the request, is replaced inside the
 * stream: the fiber that reads it fails with it, and the runtime logs that.
 */
const chunks = (response: HttpClientResponse.HttpClientResponse): Stream.Stream<Uint8Array, BodyBroken> =>
  Stream.catchAll(response.stream, (error) =>
    error.reason === "EmptyBody" ? Stream.empty : Stream.fail(new BodyBroken({ detail: Transport.describe(error) }))
  )

/**
 * Reads a body as UTF-8 text without a byte order mark, at most `limit` bytes of it. Counted here because the
 * platform's own limit holds for one of its three transports only.
 */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number = defaultLimit
): Effect.Effect<string, BodyBroken | BodyTooLarge> => {
  const declared = declaredLength(response)
  if (declared !== undefined && declared > limit) {
    return Effect.zipRight(discard(response), new BodyTooLarge({ limit }))
  }
  return Effect.suspend(() => {
    const decoder = new TextDecoder("utf-8")
    let text = ""
    let size = 0
    return chunks(response).pipe(
      Stream.runForEach((chunk): Effect.Effect<void, BodyTooLarge> => {
        size += chunk.byteLength
        if (size > limit) return new BodyTooLarge({ limit })
        text += decoder.decode(chunk, { stream: true })
        return Effect.void
      }),
      Effect.map(() => text + decoder.decode())
    )
  })
}

const drainLimit = 64 * 1024
const drainTime = Duration.seconds(1)

/**
 * Releases the connection: reads a small body to its end so that the connection can be used again, and aborts a
 * larger or slower one. An unread body would hold its connection until garbage collection.
 */
export const discard = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> => {
  const declared = declaredLength(response)
  const isSmall = declared !== undefined && declared <= drainLimit && response.headers["content-encoding"] === undefined
  let size = 0
  const drained = isSmall
    ? // The usual body of a 401: a stream would cost more than the call that it answers.
      Effect.ignore(response.arrayBuffer)
    : Stream.runDrain(
        Stream.takeWhile(chunks(response), (chunk) => {
          size += chunk.byteLength
          return size <= drainLimit
        })
      )
  return Effect.ignore(Effect.timeout(drained, drainTime))
}
