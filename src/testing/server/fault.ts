/**
 * What can go wrong on purpose, and how it changes a reply.
 *
 * @since 0.1.0
 */
import { gzipSync } from "node:zlib"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Http from "./http.ts"

/**
 * Which requests a fault applies to.
 *
 * @category models
 * @since 0.1.0
 */
export type Endpoint = "token" | "api" | "discovery" | "any"

/**
 * Something that goes wrong with one request. Build it with the constructors of the same name.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault =
  | {
      readonly _tag: "Status"
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "ResetAfterExecution" }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Slow"; readonly over: Duration.Duration; readonly chunks: number }
  | { readonly _tag: "Truncated"; readonly sent: number | undefined }
  | { readonly _tag: "Stall"; readonly sent: number | undefined }
  | { readonly _tag: "Delay"; readonly duration: Duration.Duration }
  | { readonly _tag: "WrongContentType"; readonly contentType: string }
  | { readonly _tag: "Oversized"; readonly bytes: number; readonly declared: boolean }
  | { readonly _tag: "Gzip" }

/**
 * The faults a request can meet. Each works alike in memory and on a socket.
 *
 * @category constructors
 * @since 0.1.0
 */
export const Fault: {
  /** This answer instead of the real one; nothing is executed. A body without a content type is sent as JSON. */
  readonly status: (
    status: number,
    options?: {
      readonly headers?: Readonly<Record<string, string>> | undefined
      readonly body?: string | undefined
    }
  ) => Fault
  /** The connection is reset before any answer; nothing is executed. */
  readonly reset: Fault
  /** The request is executed, then the connection is reset before the answer. */
  readonly resetAfterExecution: Fault
  /** Never answers; nothing is executed. */
  readonly hang: Fault
  /** Headers at once, then the body in equal parts (10 by default) spread evenly over the duration. */
  readonly slow: (over: Duration.DurationInput, chunks?: number) => Fault
  /** Promises more bytes than it sends (half of the body by default), then cuts the connection. */
  readonly truncated: (sent?: number) => Fault
  /** Sends headers and part of the body (half by default), then nothing more. */
  readonly stall: (sent?: number) => Fault
  /** Waits, then answers as usual. */
  readonly delay: (duration: Duration.DurationInput) => Fault
  /** Sends the client elsewhere; nothing is executed. */
  readonly redirect: (status: number, location: string) => Fault
  /** Status 200 and a body that claims to be JSON and is not; nothing is executed. */
  readonly garbage: Fault
  /** The usual answer under another content type (`text/html` by default). */
  readonly wrongContentType: (contentType?: string) => Fault
  /** Status 200 and a JSON text of this many bytes, with (default) or without `content-length`; nothing is executed. */
  readonly oversized: (bytes: number, options?: { readonly declared?: boolean | undefined }) => Fault
  /** The usual answer, compressed, whether the client accepts that or not. */
  readonly gzip: Fault
} = {
  status: (status, options = {}) => ({
    _tag: "Status",
    status,
    headers: {
      ...(options.body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
      ...options.headers
    },
    body: options.body ?? ""
  }),
  reset: { _tag: "Reset" },
  resetAfterExecution: { _tag: "ResetAfterExecution" },
  hang: { _tag: "Hang" },
  slow: (over, chunks = 10) => ({ _tag: "Slow", over: Duration.decode(over), chunks: Math.max(1, Math.trunc(chunks)) }),
  truncated: (sent) => ({ _tag: "Truncated", sent }),
  stall: (sent) => ({ _tag: "Stall", sent }),
  delay: (duration) => ({ _tag: "Delay", duration: Duration.decode(duration) }),
  redirect: (status, location) => ({ _tag: "Status", status, headers: { location }, body: "" }),
  garbage: {
    _tag: "Status",
    status: 200,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: "{]this is not JSON"
  },
  wrongContentType: (contentType = "text/html; charset=utf-8") => ({ _tag: "WrongContentType", contentType }),
  oversized: (bytes, options = {}) => ({
    _tag: "Oversized",
    bytes: Math.max(2, Math.trunc(bytes)),
    declared: options.declared ?? true
  }),
  gzip: { _tag: "Gzip" }
}

const withHeader = (reply: Http.WholeReply, name: string, value: string) => ({ ...reply.headers, [name]: value })

const firstPart = (body: Uint8Array, sent: number | undefined): Uint8Array =>
  body.subarray(0, Math.max(0, Math.trunc(sent ?? body.length / 2)))

const slowly = (body: Uint8Array, over: Duration.Duration, chunks: number): Stream.Stream<Uint8Array> => {
  const size = Math.max(1, Math.ceil(body.length / chunks))
  const parts = Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size))
  const pause = Duration.millis(Duration.toMillis(over) / Math.max(1, parts.length))
  return Stream.fromIterable(parts).pipe(
    Stream.rechunk(1),
    Stream.mapEffect((part) => Effect.as(Effect.sleep(pause), part))
  )
}

const chunkSize = 65_536

/** A JSON string literal of exactly this many bytes, made as it is read. */
const filler = (length: number): Stream.Stream<Uint8Array> =>
  Stream.unfold(0, (offset) => {
    if (offset >= length) return Option.none()
    const part = new Uint8Array(Math.min(chunkSize, length - offset)).fill(0x78)
    if (offset === 0) part[0] = 0x22
    if (offset + part.length === length) part[part.length - 1] = 0x22
    return Option.some([part, offset + part.length] as const)
  }).pipe(Stream.rechunk(1))

/** Answers a request that meets this fault; `handle` is what would happen without it. */
export const apply = (
  fault: Fault | undefined,
  handle: Effect.Effect<Http.WholeReply>
): Effect.Effect<Http.Reply, Http.ConnectionCut> => {
  if (fault === undefined) return handle
  switch (fault._tag) {
    case "Status":
      return Effect.succeed(Http.text(fault.status, fault.headers, fault.body))
    case "Reset":
      return Effect.fail(Http.connectionCut())
    case "ResetAfterExecution":
      return Effect.zipRight(handle, Effect.fail(Http.connectionCut()))
    case "Hang":
      return Effect.never
    case "Slow":
      return Effect.map(handle, (reply) => ({ ...reply, body: slowly(reply.body, fault.over, fault.chunks) }))
    case "Truncated":
      return Effect.map(handle, (reply) => {
        const part = firstPart(reply.body, fault.sent)
        return {
          ...reply,
          headers: withHeader(reply, "content-length", String(Math.max(reply.body.length, part.length + 1))),
          body: Stream.concat(Stream.make(part), Stream.fail(Http.connectionCut()))
        }
      })
    case "Stall":
      return Effect.map(handle, (reply) => ({
        ...reply,
        headers: withHeader(reply, "content-length", String(reply.body.length + 1)),
        body: Stream.concat(Stream.make(firstPart(reply.body, fault.sent)), Stream.never)
      }))
    case "Delay":
      return Effect.delay(handle, fault.duration)
    case "WrongContentType":
      return Effect.map(handle, (reply) => ({
        ...reply,
        headers: withHeader(reply, "content-type", fault.contentType)
      }))
    case "Oversized":
      return Effect.succeed({
        status: 200,
        headers: {
          "content-type": "application/json; charset=utf-8",
          ...(fault.declared ? { "content-length": String(fault.bytes) } : {})
        },
        body: filler(fault.bytes)
      })
    case "Gzip":
      return Effect.map(handle, (reply) =>
        Http.bytes(reply.status, withHeader(reply, "content-encoding", "gzip"), gzipSync(reply.body))
      )
  }
}

/** The faults planned and not yet met. */
export interface Faults {
  readonly add: (endpoint: Endpoint, fault: Fault, times: number) => void
  /** The fault for a request to this endpoint, if one is due; it is then used up. */
  readonly take: (endpoint: Endpoint | "other") => Fault | undefined
  readonly clear: () => void
}

/** Starts without any fault planned. */
export const make = (): Faults => {
  let planned: Array<{ readonly endpoint: Endpoint; readonly fault: Fault; left: number }> = []
  return {
    add: (endpoint, fault, times) => {
      planned.push({ endpoint, fault, left: times })
    },
    take: (endpoint) => {
      const due = planned.find((plan) => plan.left > 0 && (plan.endpoint === "any" || plan.endpoint === endpoint))
      if (due === undefined) return undefined
      due.left--
      planned = planned.filter((plan) => plan.left > 0)
      return due.fault
    },
    clear: () => {
      planned = []
    }
  }
}
