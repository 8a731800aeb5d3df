/** An instance in memory: its identity server issues numbered tokens, its API answers what the test says. */
import type { HttpClient, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Clock, Effect, type Layer, Stream } from "effect"
import { AuthorizedClient, TokenProvider } from "effect-erpnet"
import { clientOver, endpoint, fromWeb, type Given, tokenAnswer } from "./fakeServer.ts"
import { application, instance } from "./fixtures.ts"

/** One request to the API, as the transport got it. */
export interface Call {
  readonly method: string
  /** The URL as the request carries it, before the transport parses it. */
  readonly sent: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** The bearer token. */
  readonly token: string | undefined
  readonly contentType: string | undefined
  readonly body: Uint8Array
  readonly text: string
}

/** A web response, a fault of the transport, or a response that the test builds for the request. */
export type Answer =
  | Response
  | "reset"
  | ((request: HttpClientRequest.HttpClientRequest) => HttpClientResponse.HttpClientResponse)

export interface FakeApi {
  readonly calls: Array<Call>
  /** The times, by the test's clock and in order, at which a token was requested. */
  readonly exchanges: Array<number>
  readonly http: HttpClient.HttpClient
  readonly layer: Layer.Layer<HttpClient.HttpClient>
}

/** The n-th token, long enough that finding it anywhere is no coincidence. */
export const tokenNumber = (n: number): string => `tok3n-${n}-9f8e7d6c5b4a`

const bodyOf = async (request: HttpClientRequest.HttpClientRequest): Promise<Response> => {
  const { body } = request
  switch (body._tag) {
    case "Empty":
      return new Response(null)
    case "Uint8Array":
      return new Response(Uint8Array.from(body.body))
    case "FormData":
      return new Response(body.formData)
    case "Stream":
      return new Response(Stream.toReadableStream(body.stream))
    case "Raw":
      return new Response(body.body as BodyInit)
  }
}

export const token = (n: number, lifetime: unknown = 3600): Response =>
  Response.json(tokenAnswer(tokenNumber(n), lifetime))

export const unauthorized = (challenge: string | null = 'Bearer error="invalid_token"'): Response =>
  new Response(null, { status: 401, headers: challenge === null ? {} : { "www-authenticate": challenge } })

const see = (request: HttpClientRequest.HttpClientRequest, url: URL): Effect.Effect<Call> =>
  Effect.map(
    request.body._tag === "Empty"
      ? Effect.succeed(new Uint8Array())
      : Effect.promise(async () => new Uint8Array(await (await bodyOf(request)).arrayBuffer())),
    (body) => ({
      method: request.method,
      sent: request.url,
      url,
      headers: { ...request.headers },
      token: /^Bearer (.*)$/.exec(request.headers["authorization"] ?? "")?.[1],
      contentType: request.headers["content-type"] ?? request.body.contentType,
      body,
      text: new TextDecoder().decode(body)
    })
  )

export const fakeApi = (
  api: (call: Call, index: number) => Given<Answer>,
  identity: (index: number) => Given<Answer> = (index) => token(index)
): FakeApi => {
  const calls = endpoint(see, api)
  const exchanges = endpoint(
    () => Clock.currentTimeMillis,
    (_, index) => identity(index)
  )
  const { client: http, layer } = clientOver<Exclude<Answer, "reset">>(
    (url) => (url.href === instance.tokenEndpoint ? exchanges : calls),
    (request, answer) => fromWeb(request, answer instanceof Response ? answer : answer(request)),
    "ECONNRESET"
  )
  return { calls: calls.received, exchanges: exchanges.received, http, layer }
}

/** A client of the fake instance with a TokenProvider of its own. */
export const clientOf = (
  fake: Pick<FakeApi, "layer">,
  options?: AuthorizedClient.Options,
  renewal?: TokenProvider.RenewalOptions
) =>
  Effect.flatMap(TokenProvider.make({ ...renewal, instance, credentials: application }), (tokens) =>
    Effect.map(
      AuthorizedClient.make(options).pipe(Effect.provideService(TokenProvider.TokenProvider, tokens)),
      (client) => ({ client, tokens })
    )
  ).pipe(Effect.provide(fake.layer))

/** Lets the event loop turn until the condition holds: bodies are read by promises, which no TestClock moves. */
export const settled = (condition: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let turn = 0; turn < 10_000 && !condition(); turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!condition()) throw new Error("the condition did not come true")
  })
