import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The body is longer than what the caller is ready to read. */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly limit: number }> {}

const defaultLimit = 1024 * 1024

const declaredLength = (response: HttpClientResponse.HttpClientResponse): number | undefined => {
  const header = response.headers["content-length"]
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined
}

/**
 * Reads a body as UTF-8 text without a byte order mark, at most `limit` bytes of it. Counted here because the
 * platform's own limit holds for one of its three transports only.
 */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number = defaultLimit
): Effect.Effect<string, HttpClientError.ResponseError | BodyTooLarge> => {
  const declared = declaredLength(response)
  if (declared !== undefined && declared > limit) {
    return Effect.zipRight(discard(response), new BodyTooLarge({ limit }))
  }
  return Effect.suspend(() => {
    const decoder = new TextDecoder("utf-8")
    let text = ""
    let size = 0
    return response.stream.pipe(
      Stream.runForEach((chunk): Effect.Effect<void, BodyTooLarge> => {
        size += chunk.byteLength
        if (size > limit) return new BodyTooLarge({ limit })
        text += decoder.decode(chunk, { stream: true })
        return Effect.void
      }),
      // An empty body is a text of no characters here, not an error.
      Effect.catchIf(
        (error) => error._tag === "ResponseError" && error.reason === "EmptyBody",
        () => Effect.void
      ),
      Effect.map(() => text + decoder.decode())
    )
  })
}

const drainLimit = 64 * 1024
const drainTime = Duration.seconds(1)

/**
 * Gives the connection back: reads a small body to its end so that the connection can be used again, and aborts a
 * larger or slower one. An unread body would hold its connection until garbage collection.
 */
export const discard = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> => {
  let size = 0
  return response.stream.pipe(
    Stream.takeWhile((chunk) => {
      size += chunk.byteLength
      return size <= drainLimit
    }),
    Stream.runDrain,
    Effect.timeout(drainTime),
    Effect.ignore
  )
}
