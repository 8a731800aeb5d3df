/**
 * Faults that a test can plan, and how each changes a reply.
 *
 * @since 0.1.0
 */
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isLosslessNumber, parse, stringify } from "lossless-json"
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
  | { readonly _tag: "Compressed"; readonly encoding: Encoding }
  | { readonly _tag: "OnlyFirst"; readonly rows: number }
  | { readonly _tag: "Edit"; readonly edit: (answer: EditableAnswer) => EditableAnswer }

/**
 * How a body can be compressed.
 *
 * @category models
 * @since 0.2.0
 */
export type Encoding = "gzip" | "deflate" | "br"

/**
 * An answer as {@link Fault}'s `edit` gets and gives it.
 *
 * @category models
 * @since 0.2.0
 */
export interface EditableAnswer {
  readonly status: number
  /** Names in lower case; `content-length` follows the body by itself. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A request as {@link Fault}s are chosen by.
 *
 * @category models
 * @since 0.2.0
 */
export interface FaultRequest {
  readonly endpoint: Endpoint | "other"
  readonly method: string
  readonly path: string
  /** Raw, without the question mark. */
  readonly query: string
  /** How many requests to this endpoint came before it. */
  readonly before: number
}

const titles: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  414: "URI Too Long",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout"
}

/** An HTML page with this status and title. */
export const page = (status: number, title: string): Http.WholeReply =>
  Http.text(
    status,
    { "content-type": "text/html; charset=utf-8" },
    `<!doctype html><html lang="en"><head><title>${status} - ${title}</title></head><body><h1>${title}</h1></body></html>`
  )

/** The answer to an address that is too long. */
export const longUrl = (status: 404 | 414 | 431): Http.WholeReply =>
  status === 404
    ? page(404, "404.15 - Not Found: the request filtering module denies a request whose query string is too long")
    : page(status, titles[status] ?? "")

const compressors: Readonly<Record<Encoding, (body: Uint8Array) => Uint8Array>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync
}

/** The same reply with its body compressed. */
export const compress = (reply: Http.WholeReply, encoding: Encoding): Http.WholeReply =>
  Http.bytes(
    reply.status,
    { ...reply.headers, "content-encoding": encoding, vary: "accept-encoding" },
    new Uint8Array(compressors[encoding](reply.body))
  )

/** The encoding that a request accepts: br before gzip before deflate. */
export const acceptedEncoding = (header: string | undefined): Encoding | undefined => {
  const accepted = new Set(
    (header ?? "")
      .toLowerCase()
      .split(",")
      .filter((item) => !/;\s*q=0(?:\.0*)?\s*$/.test(item))
      .map((item) => item.split(";", 1)[0]?.trim())
  )
  return (["br", "gzip", "deflate"] as const).find((encoding) => accepted.has(encoding) || accepted.has("*"))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value)

/** Numbers keep their digits. */
const shortened = (body: string, rows: number): string => {
  const value = parse(body)
  if (!isRecord(value) || !Array.isArray(value["value"])) return body
  const { "@odata.nextLink": _, ...rest } = value
  return stringify({ ...rest, value: value["value"].slice(0, rows) }) ?? body
}

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
  /** The usual answer, compressed in one of three ways, whether the client accepts that or not. */
  readonly compressed: (encoding: Encoding) => Fault
  /** An HTML page with this status, as proxies, gateways and web servers answer; nothing is executed. */
  readonly page: (status: number, headers?: Readonly<Record<string, string>>) => Fault
  /** The usual answer with the first rows of its `value` alone and without a next link: shorter than it should be. */
  readonly onlyFirst: (rows: number) => Fault
  /** The usual answer, changed at will. */
  readonly edit: (edit: (answer: EditableAnswer) => EditableAnswer) => Fault
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
  gzip: { _tag: "Compressed", encoding: "gzip" },
  compressed: (encoding) => ({ _tag: "Compressed", encoding }),
  page: (status, headers = {}) => {
    const reply = page(status, titles[status] ?? "Error")
    return { _tag: "Status", status, headers: { ...reply.headers, ...headers }, body: Http.decode(reply.body) }
  },
  onlyFirst: (rows) => ({ _tag: "OnlyFirst", rows: Math.max(0, Math.trunc(rows)) }),
  edit: (edit) => ({ _tag: "Edit", edit })
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

/** Answers a request that meets this fault; `handle` answers it without the fault. */
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
    case "Compressed":
      return Effect.map(handle, (reply) => compress(reply, fault.encoding))
    case "OnlyFirst":
      return Effect.map(handle, (reply) =>
        Http.text(reply.status, reply.headers, shortened(Http.decode(reply.body), fault.rows))
      )
    case "Edit":
      return Effect.map(handle, (reply) => {
        const edited = fault.edit({ status: reply.status, headers: reply.headers, body: Http.decode(reply.body) })
        return Http.text(edited.status, edited.headers, edited.body)
      })
  }
}

/** The faults planned and not yet met. */
export interface Faults {
  readonly add: (endpoint: Endpoint, fault: Fault, times: number, after: number) => void
  /** Asks a function for every request that meets no planned fault. */
  readonly choose: (choose: ((request: FaultRequest) => Fault | undefined) | undefined) => void
  /** The fault for a request, if one is due; it is then used up. */
  readonly take: (request: Omit<FaultRequest, "before">) => Fault | undefined
  readonly clear: () => void
}

/** Starts without any fault planned. */
export const make = (): Faults => {
  let planned: Array<{ readonly endpoint: Endpoint; readonly fault: Fault; left: number; after: number }> = []
  let chosen: ((request: FaultRequest) => Fault | undefined) | undefined
  const seen = new Map<Endpoint | "other", number>()
  return {
    add: (endpoint, fault, times, after) => {
      planned.push({ endpoint, fault, left: times, after })
    },
    choose: (choose) => {
      chosen = choose
    },
    take: (request) => {
      const { endpoint } = request
      const before = seen.get(endpoint) ?? 0
      seen.set(endpoint, before + 1)
      const concerned = planned.filter(
        (plan) => plan.left > 0 && (plan.endpoint === "any" || plan.endpoint === endpoint)
      )
      const due = concerned.find((plan) => plan.after <= 0)
      for (const plan of concerned) plan.after--
      if (due === undefined) return chosen?.({ ...request, before })
      due.left--
      planned = planned.filter((plan) => plan.left > 0)
      return due.fault
    },
    clear: () => {
      planned = []
      chosen = undefined
    }
  }
}
