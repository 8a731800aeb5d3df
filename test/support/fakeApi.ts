/** An instance in memory: its identity server issues numbered tokens, its API answers what the test says. */
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Effect, Layer, Stream } from "effect"
import { AuthorizedClient, TokenProvider } from "effect-erpnet"
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

type Answering<A> = (input: A, index: number) => Answer | Effect.Effect<Answer>

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

const toResponse = (request: HttpClientRequest.HttpClientRequest, answer: Answer) => {
  if (answer === "reset") {
    const cause = Object.assign(new Error("socket hang up"), { code: "ECONNRESET", request })
    return new HttpClientError.RequestError({ request, reason: "Transport", cause })
  }
  return Effect.succeed(answer instanceof Response ? HttpClientResponse.fromWeb(request, answer) : answer(request))
}

export const token = (n: number, lifetime: unknown = 3600): Response =>
  Response.json({ access_token: tokenNumber(n), expires_in: lifetime, token_type: "Bearer", scope: "read" })

export const unauthorized = (challenge: string | null = 'Bearer error="invalid_token"'): Response =>
  new Response(null, { status: 401, headers: challenge === null ? {} : { "www-authenticate": challenge } })

export const fakeApi = (
  api: Answering<Call>,
  identity: (index: number) => Answer | Effect.Effect<Answer> = (index) => token(index)
): FakeApi => {
  const calls: Array<Call> = []
  const exchanges: Array<number> = []
  const http = HttpClient.make((request, url) =>
    Effect.gen(function* () {
      if (url.href === instance.tokenEndpoint) {
        exchanges.push(yield* Effect.clockWith((clock) => clock.currentTimeMillis))
        const answer = identity(exchanges.length)
        return yield* toResponse(request, Effect.isEffect(answer) ? yield* answer : answer)
      }
      const body =
        request.body._tag === "Empty"
          ? new Uint8Array()
          : yield* Effect.promise(async () => {
              return new Uint8Array(await (await bodyOf(request)).arrayBuffer())
            })
      const call: Call = {
        method: request.method,
        sent: request.url,
        url,
        headers: { ...request.headers },
        token: /^Bearer (.*)$/.exec(request.headers["authorization"] ?? "")?.[1],
        contentType: request.headers["content-type"] ?? request.body.contentType,
        body,
        text: new TextDecoder().decode(body)
      }
      calls.push(call)
      const answer = api(call, calls.length)
      return yield* toResponse(request, Effect.isEffect(answer) ? yield* answer : answer)
    })
  )
  return { calls, exchanges, http, layer: Layer.succeed(HttpClient.HttpClient, http) }
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
