/**
 * The embedded instance as an `HttpClient`: no socket, in the fiber and by the clock of the caller.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as App from "./app.ts"
import * as Http from "./http.ts"

const transportError = (request: HttpClientRequest.HttpClientRequest, message: string): HttpClientError.RequestError =>
  new HttpClientError.RequestError({ request, reason: "Transport", cause: new Error(message) })

const encodeError =
  (request: HttpClientRequest.HttpClientRequest) =>
  (cause: unknown): HttpClientError.RequestError =>
    new HttpClientError.RequestError({ request, reason: "Encode", cause })

/** The body as a transport would send it, and the content type where only the transport knows it. */
const wireBody = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<{ readonly body: Uint8Array; readonly contentType: string | null }, HttpClientError.RequestError> => {
  const { body } = request
  switch (body._tag) {
    case "Empty":
      return Effect.succeed({ body: new Uint8Array(0), contentType: null })
    case "Uint8Array":
      return Effect.succeed({ body: body.body, contentType: body.contentType })
    case "Stream":
      return body.stream.pipe(
        Stream.runCollect,
        Effect.map((chunks) => ({
          body: new Uint8Array(Buffer.concat(Chunk.toReadonlyArray(chunks))),
          contentType: body.contentType
        })),
        Effect.mapError(encodeError(request))
      )
    case "FormData":
    case "Raw":
      return Effect.tryPromise({
        try: async () => {
          const carrier = new Response(body._tag === "FormData" ? body.formData : toBodyInit(body.body))
          return { body: new Uint8Array(await carrier.arrayBuffer()), contentType: carrier.headers.get("content-type") }
        },
        catch: encodeError(request)
      })
  }
}

const toBodyInit = (body: unknown): string | ArrayBuffer | URLSearchParams | Blob | FormData => {
  if (typeof body === "string" || body instanceof ArrayBuffer || body instanceof URLSearchParams) return body
  if (body instanceof Blob || body instanceof FormData) return body
  throw new TypeError("The embedded instance cannot read this kind of request body")
}

const toResponse = (
  request: HttpClientRequest.HttpClientRequest,
  answer: App.Answer,
  signal: AbortSignal
): Effect.Effect<HttpClientResponse.HttpClientResponse> =>
  Effect.map(Effect.runtime<never>(), (runtime) => {
    const { reply } = answer
    const headers = new Headers({ ...reply.headers })
    const fromBody = (body: Uint8Array | ReadableStream<Uint8Array> | null) =>
      HttpClientResponse.fromWeb(
        request,
        new Response(body === null || body instanceof ReadableStream ? body : new Uint8Array(body), {
          status: reply.status,
          headers
        })
      )
    if (Http.isBodiless(request.method, reply.status)) return fromBody(null)
    if (reply.body instanceof Uint8Array) return fromBody(reply.body)
    // the platform aborts after every stream as well; by then the listener is removed
    const gone = Effect.async<never, Http.ConnectionCut>((resume) => {
      const abort = () => {
        answer.aborted()
        resume(Effect.fail(Http.connectionCut()))
      }
      signal.addEventListener("abort", abort)
      return Effect.sync(() => signal.removeEventListener("abort", abort))
    })
    return fromBody(reply.body.pipe(Stream.interruptWhen(gone), Stream.toReadableStreamRuntime(runtime)))
  })

/** A client that reaches this instance only: any other host is unknown to it. */
export const make = (app: App.App): HttpClient.HttpClient =>
  HttpClient.make((request, url, signal) =>
    Effect.gen(function* () {
      const { body, contentType } = yield* wireBody(request)
      const received: Http.Request = {
        method: request.method,
        url,
        headers: {
          host: url.host,
          ...(contentType === null ? {} : { "content-type": contentType }),
          ...(request.body._tag === "Empty" ? {} : { "content-length": String(body.length) }),
          ...request.headers
        },
        body: Effect.succeed(body)
      }
      if (url.origin !== app.service.origin) {
        yield* app.missed(received)
        return yield* transportError(request, `getaddrinfo ENOTFOUND ${url.hostname}`)
      }
      const answer = yield* Effect.mapError(app.respond(received), (error) => transportError(request, error.message))
      return yield* toResponse(request, answer, signal)
    })
  )
