/** A loopback server whose every byte and socket the test can count. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { Effect, Either, Redacted, type Scope } from "effect"
import { Instance, TrustedApplication } from "effect-erpnet"
import { secret } from "./fixtures.ts"

export interface SocketRequest {
  readonly method: string
  /** The request target as it came over the wire. */
  readonly target: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
  readonly bearer: string | undefined
  readonly socket: Socket
}

export type Handler = (request: SocketRequest, response: ServerResponse, index: number) => void

export interface SocketServer {
  readonly url: string
  readonly requests: Array<SocketRequest>
  /** All bytes received, over all connections, as Latin-1. */
  readonly bytes: () => string
  /** How many connections there are now. */
  readonly open: () => number
  /** How many connections there ever were. */
  readonly accepted: () => number
}

export const socketServer = (handler: Handler): Effect.Effect<SocketServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<{ readonly server: SocketServer; readonly close: () => void }>((resume) => {
      const received: Array<string> = []
      const sockets = new Set<Socket>()
      const requests: Array<SocketRequest> = []
      let accepted = 0
      const server = createServer({ keepAliveTimeout: 60_000 }, (message, response) => {
        const chunks: Array<Buffer> = []
        message.on("data", (chunk: Buffer) => chunks.push(chunk))
        message.on("end", () => {
          const request: SocketRequest = {
            method: message.method ?? "",
            target: message.url ?? "",
            headers: message.headers,
            body: Buffer.concat(chunks).toString(),
            bearer: /^Bearer (.*)$/.exec(message.headers.authorization ?? "")?.[1],
            socket: message.socket
          }
          requests.push(request)
          response.on("error", () => undefined)
          handler(request, response, requests.length)
        })
        message.on("error", () => undefined)
      })
      server.on("connection", (socket) => {
        accepted += 1
        sockets.add(socket)
        socket.on("data", (chunk: Buffer) => received.push(chunk.toString("latin1")))
        socket.on("error", () => undefined)
        socket.on("close", () => sockets.delete(socket))
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(
          Effect.succeed({
            server: {
              url: `http://127.0.0.1:${port}`,
              requests,
              bytes: () => received.join(""),
              open: () => sockets.size,
              accepted: () => accepted
            },
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ server }) => server))

export const instanceAt = (server: { readonly url: string }): Instance.Instance =>
  Either.getOrThrow(Instance.make(server.url))

export const application = Either.getOrThrow(
  TrustedApplication.make({ clientId: "my.trusted.app/service", clientSecret: Redacted.make(secret), scope: "read" })
)

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  const text = JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

export const isTokenRequest = (request: SocketRequest): boolean => request.target === "/id/connect/token"

/** Answers token requests with `token-1`, `token-2`, …, and the API as the handler says. */
export const withTokens = (api: Handler): Handler => {
  let issued = 0
  let called = 0
  return (request, response) => {
    if (isTokenRequest(request)) {
      issued += 1
      sendJson(response, 200, {
        access_token: `token-${issued}`,
        expires_in: 3600,
        token_type: "Bearer",
        scope: "read"
      })
    } else {
      called += 1
      api(request, response, called)
    }
  }
}

/** Polls until the condition holds: what the other end of a socket sees comes when it comes. */
export const eventually = (condition: () => boolean, what: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    const end = performance.now() + 5000
    while (!condition()) {
      if (performance.now() > end) throw new Error(`did not come true: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  })
