/**
 * Requests and replies as the embedded instance sees them, whatever carried them.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

/** The connection ended before the answer was complete. */
export class ConnectionCut extends Data.TaggedError("ConnectionCut")<{ readonly message: string }> {}

/** A cut as the other side sees it. */
export const connectionCut = (): ConnectionCut => new ConnectionCut({ message: "read ECONNRESET" })

/** A request as it arrived. */
export interface Request {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Effect.Effect<Uint8Array, ConnectionCut>
}

/** What to send back; a body that is a stream may take its time, and may end in a cut. */
export interface Reply {
  readonly status: number
  /** Names in lower case; `content-length` is set for every body. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | Stream.Stream<Uint8Array, ConnectionCut>
}

/** A reply whose body is known as a whole, which is every reply before a fault changes it. */
export interface WholeReply extends Reply {
  readonly body: Uint8Array
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Reads bytes as UTF-8. */
export const decode = (body: Uint8Array): string => decoder.decode(body)

/** A reply with these bytes. */
export const bytes = (status: number, headers: Readonly<Record<string, string>>, body: Uint8Array): WholeReply => ({
  status,
  headers: { ...headers, "content-length": String(body.length) },
  body
})

/** A reply with this text, in UTF-8. */
export const text = (status: number, headers: Readonly<Record<string, string>>, body: string): WholeReply =>
  bytes(status, headers, encoder.encode(body))

/** A reply with this value as JSON. */
export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WholeReply =>
  text(status, { "content-type": "application/json; charset=utf-8", ...headers }, JSON.stringify(body))

/** A reply without a body. */
export const empty = (status: number, headers: Readonly<Record<string, string>> = {}): WholeReply =>
  text(status, headers, "")

/** Whether HTTP forbids a body in this answer. */
export const isBodiless = (method: string, status: number): boolean =>
  method === "HEAD" || status < 200 || status === 204 || status === 205 || status === 304
