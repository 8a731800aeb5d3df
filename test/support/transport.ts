/** An HttpClient over a handler: no socket, in the caller's fiber, under the caller's clock. */
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Effect, Layer, Stream } from "effect"

export interface Received {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly form: URLSearchParams
}

/** What a handler answers: a web response, or a fault of the transport. */
export type Answer = Response | "reset"

export interface FakeServer {
  readonly received: Array<Received>
  readonly client: HttpClient.HttpClient
  readonly layer: Layer.Layer<HttpClient.HttpClient>
}

const bodyText = (request: HttpClientRequest.HttpClientRequest): string =>
  request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""

export const fakeServer = (
  handler: (request: Received, index: number) => Effect.Effect<Answer> | Answer
): FakeServer => {
  const received: Array<Received> = []
  const client = HttpClient.make((request, url) =>
    Effect.suspend(() => {
      const body = bodyText(request)
      const entry: Received = {
        method: request.method,
        url,
        headers: {
          ...request.headers,
          ...(request.body.contentType ? { "content-type": request.body.contentType } : {})
        },
        body,
        form: new URLSearchParams(body)
      }
      received.push(entry)
      const answer = handler(entry, received.length)
      return Effect.flatMap(Effect.isEffect(answer) ? answer : Effect.succeed(answer), (result) =>
        result === "reset"
          ? new HttpClientError.RequestError({ request, reason: "Transport", cause: new Error("socket hang up") })
          : Effect.succeed(HttpClientResponse.fromWeb(request, result))
      )
    })
  )
  return { received, client, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } })

/** An identity server that issues `token-1`, `token-2`, … with the given lifetime in seconds. */
export const issuing = (lifetime: unknown = 3600): ((request: Received, index: number) => Response) => {
  let issued = 0
  return () => {
    issued += 1
    return json(200, { access_token: `token-${issued}`, expires_in: lifetime, token_type: "Bearer", scope: "read" })
  }
}

/** A response whose body needs no promise, for worlds where everything is synchronous. */
export const synchronousResponse = (
  request: HttpClientRequest.HttpClientRequest,
  status: number,
  body: string,
  headers: Record<string, string> = {}
): HttpClientResponse.HttpClientResponse => {
  const web = HttpClientResponse.fromWeb(request, new Response(null, { status, headers }))
  return Object.create(web, { stream: { value: Stream.make(new TextEncoder().encode(body)) } })
}
