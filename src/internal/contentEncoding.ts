/**
 * Content codings (RFC 9110 section 8.4) of answers, taken off alike on all transports: fetch does it by itself, the
 * others of the platform do not.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/** What is asked for: what every runtime can take off. */
const accepted = "gzip, deflate"

/** A body that unpacks to more than this, and to more than so many times of what came, is no answer of an API. */
const suspectSize = 16 * 1024 * 1024
const suspectRatio = 200

const formats: Readonly<Record<string, string>> = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate", br: "brotli" }

type Pair = ReadableWritablePair<Uint8Array, BufferSource>

const isPair = (u: unknown): u is Pair => Predicate.hasProperty(u, "readable") && Predicate.hasProperty(u, "writable")

/** A module of Node's own, where the runtime gives it out without an import. */
const builtin = (name: string): unknown => {
  const runtime: unknown = Reflect.get(globalThis, "process")
  return Predicate.hasProperty(runtime, "getBuiltinModule") && Predicate.isFunction(runtime.getBuiltinModule)
    ? runtime.getBuiltinModule(name)
    : undefined
}

/** Brotli of zlib: `DecompressionStream` has it in new runtimes only. */
const brotliOfZlib = (): unknown => {
  const zlib = builtin("zlib")
  const stream = builtin("stream")
  if (!Predicate.hasProperty(zlib, "createBrotliDecompress") || !Predicate.hasProperty(stream, "Duplex"))
    return undefined
  const { createBrotliDecompress } = zlib
  const { Duplex } = stream
  return Predicate.isFunction(createBrotliDecompress) &&
    Predicate.hasProperty(Duplex, "toWeb") &&
    Predicate.isFunction(Duplex.toWeb)
    ? Duplex.toWeb(createBrotliDecompress())
    : undefined
}

/** What takes a coding off, where this runtime can. */
const decoder = (format: string): Option.Option<Pair> =>
  Option.liftThrowable((): unknown => Reflect.construct(DecompressionStream, [format]))().pipe(
    Option.orElse(() => (format === "brotli" ? Option.liftThrowable(brotliOfZlib)() : Option.none())),
    Option.filter(isPair)
  )

/** An error whose code the table of faults knows. */
const coded = (code: string): Error => Object.assign(new Error("the body cannot be read"), { code })

/** A `Response` of fetch: it has an address, which one that a program made itself, as servers in memory do, has not. */
const isFetched = (u: unknown): boolean =>
  Predicate.hasProperty(u, "headers") &&
  Predicate.hasProperty(u.headers, "get") &&
  Predicate.hasProperty(u, "url") &&
  u.url !== ""

/** A `Response` of fetch lies below the answer, whose body is plain already. The platform wraps its answers once more. */
const isPlain = (response: unknown, depth = 0): boolean =>
  (Predicate.hasProperty(response, "source") && isFetched(response.source)) ||
  (depth < 4 && Predicate.hasProperty(response, "original") && isPlain(response.original, depth + 1))

const hasBody = ({ request, status }: HttpClientResponse.HttpClientResponse): boolean =>
  request.method !== "HEAD" && status >= 200 && status < 600 && status !== 204 && status !== 205 && status !== 304

/** Fails where a body unpacks to much more than any data do. */
const bounded = (
  source: Stream.Stream<Uint8Array, unknown>,
  unpack: (packed: Stream.Stream<Uint8Array, unknown>) => Stream.Stream<Uint8Array, unknown>
) =>
  Stream.suspend(() => {
    let packed = 0
    let size = 0
    const counted = Stream.tap(source, (chunk) => Effect.sync(() => (packed += chunk.byteLength)))
    return Stream.tap(unpack(counted), (chunk) =>
      Effect.suspend(() => {
        size += chunk.byteLength
        return size > suspectSize && size > suspectRatio * packed
          ? Effect.fail(coded("ERR_DECOMPRESSED_TOO_LARGE"))
          : Effect.void
      })
    )
  })

const unpack =
  (codings: ReadonlyArray<string>) =>
  (packed: Stream.Stream<Uint8Array, unknown>): Stream.Stream<Uint8Array, unknown> =>
    codings.reduceRight((stream, coding) => {
      const pair = Option.flatMap(Option.fromNullable(formats[coding]), decoder)
      if (Option.isNone(pair)) return Stream.fail(coded("ERR_CONTENT_ENCODING"))
      const { value } = pair
      // The chunks are copied where their memory is shared, which web streams do not take.
      const input = Stream.toReadableStream(Stream.map(stream, (chunk) => new Uint8Array(chunk)))
      return Stream.fromReadableStream({ evaluate: () => input.pipeThrough(value), onError: (error) => error })
    }, packed)

/** The answer with a plain body, and without the headers that described the packed one. */
const plain = (response: HttpClientResponse.HttpClientResponse): HttpClientResponse.HttpClientResponse => {
  const codings = (response.headers["content-encoding"] ?? "")
    .split(",")
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "" && coding !== "identity")
  if (codings.length === 0 || isPlain(response) || !hasBody(response)) return response
  const { "content-encoding": _, "content-length": __, ...headers } = response.headers
  const body = Stream.toReadableStream(bounded(response.stream, unpack(codings)))
  return HttpClientResponse.fromWeb(response.request, new Response(body, { status: response.status, headers }))
}

/** The client that asks for compressed answers, unless its caller chose, and gives their bodies out plain. */
export const decoded = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  client.pipe(
    HttpClient.mapRequest((request) =>
      request.headers["accept-encoding"] === undefined
        ? HttpClientRequest.setHeader(request, "accept-encoding", accepted)
        : request
    ),
    HttpClient.transformResponse(Effect.map(plain))
  )
