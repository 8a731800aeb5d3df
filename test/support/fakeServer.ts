/** What every server in memory is made of: endpoints with a journal and a handler, tokens, and one HttpClient in front. */
import { HttpClient, HttpClientError, type HttpClientRequest, type HttpClientResponse } from "@effect/platform"
import * as HttpResponse from "@effect/platform/HttpClientResponse"
import { Effect, Layer, Stream } from "effect"

/** A value, or an effect that gives it. */
export type Given<A, E = never> = A | Effect.Effect<A, E>

const given = <A, E>(value: Given<A, E>): Effect.Effect<A, E> =>
  Effect.isEffect(value) ? (value as Effect.Effect<A, E>) : Effect.succeed(value as A)

/** A part of a server: what it received, and how it answers the next request. */
export interface Endpoint<Seen, Answer, E = never> {
  readonly received: Array<Seen>
  readonly answer: (request: HttpClientRequest.HttpClientRequest, url: URL) => Effect.Effect<Answer, E>
}

/** Writes each request down as `see` reads it, and answers it by the handler, which is told its number from 1. */
export const endpoint = <Seen, Answer, E = never>(
  see: (request: HttpClientRequest.HttpClientRequest, url: URL) => Given<Seen>,
  handler: (seen: Seen, index: number) => Given<Answer, E>
): Endpoint<Seen, Answer, E> => {
  const received: Array<Seen> = []
  return {
    received,
    answer: (request, url) =>
      Effect.flatMap(
        Effect.suspend(() => given(see(request, url))),
        (seen) => given(handler(seen, received.push(seen)))
      )
  }
}

/** The connection is reset before an answer. */
export const connectionReset = (
  request: HttpClientRequest.HttpClientRequest,
  code?: string
): HttpClientError.RequestError =>
  new HttpClientError.RequestError({
    request,
    reason: "Transport",
    cause: Object.assign(new Error("socket hang up"), code === undefined ? {} : { code, request })
  })

/** An HttpClient in front of endpoints: no socket, in the fiber and by the clock of the caller. */
export const clientOver = <Answer>(
  route: (url: URL) => Pick<Endpoint<never, Answer | "reset", HttpClientError.HttpClientError>, "answer">,
  respond: (request: HttpClientRequest.HttpClientRequest, answer: Answer) => HttpClientResponse.HttpClientResponse,
  resetCode?: string
): { readonly client: HttpClient.HttpClient; readonly layer: Layer.Layer<HttpClient.HttpClient> } => {
  const client = HttpClient.make((request, url) =>
    Effect.flatMap(
      Effect.suspend(() => route(url).answer(request, url)),
      (answer) =>
        answer === "reset" ? connectionReset(request, resetCode) : Effect.sync(() => respond(request, answer))
    )
  )
  return { client, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

/** A web response as the answer to a request. */
export const fromWeb = (
  request: HttpClientRequest.HttpClientRequest,
  answer: Response | HttpClientResponse.HttpClientResponse
): HttpClientResponse.HttpClientResponse =>
  answer instanceof Response ? HttpResponse.fromWeb(request, answer) : answer

/** The answer of a token endpoint. */
export const tokenAnswer = (token: string, lifetime: unknown = 3600) => ({
  access_token: token,
  expires_in: lifetime,
  token_type: "Bearer",
  scope: "read"
})

/** The text of a body that is sent as bytes. */
export const bodyText = (request: HttpClientRequest.HttpClientRequest): string =>
  request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""

/** A response whose body needs no promise, for worlds where everything is synchronous; `cut` breaks it off. */
export const synchronousResponse = (
  request: HttpClientRequest.HttpClientRequest,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  cut = false
): HttpClientResponse.HttpClientResponse => {
  const web = HttpResponse.fromWeb(request, new Response(null, { status, headers }))
  const broken = () =>
    new HttpClientError.ResponseError({ request, response: web, reason: "Decode", cause: new Error("aborted") })
  const bytes = Stream.make(new TextEncoder().encode(body))
  return Object.create(web, {
    text: { get: () => (cut ? Effect.fail(broken()) : Effect.succeed(body)) },
    stream: { get: () => (cut ? Stream.concat(bytes, Stream.fail(broken())) : bytes) }
  })
}
