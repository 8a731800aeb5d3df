/** An HttpClient over a handler: no socket, in the caller's fiber, under the caller's clock. */
import type { HttpClient } from "@effect/platform"
import type { Layer } from "effect"
import { bodyText, clientOver, endpoint, fromWeb, type Given, tokenAnswer } from "./fakeServer.ts"

export { synchronousResponse } from "./fakeServer.ts"

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

export const fakeServer = (handler: (request: Received, index: number) => Given<Answer>): FakeServer => {
  const all = endpoint((request, url): Received => {
    const body = bodyText(request)
    const type = request.body.contentType
    return {
      method: request.method,
      url,
      headers: { ...request.headers, ...(type ? { "content-type": type } : {}) },
      body,
      form: new URLSearchParams(body)
    }
  }, handler)
  return { received: all.received, ...clientOver(() => all, fromWeb) }
}

export const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } })

/** An identity server that issues `token-1`, `token-2`, … with the given lifetime in seconds. */
export const issuing = (lifetime: unknown = 3600): ((request: Received, index: number) => Response) => {
  let issued = 0
  return () => {
    issued += 1
    return json(200, tokenAnswer(`token-${issued}`, lifetime))
  }
}
