/**
 * The embedded instance on a loopback port over `node:http`.
 *
 * @since 0.1.0
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as App from "./app.ts"
import * as Http from "./http.ts"

/** What Kestrel accepts by default. */
const largestBody = 30_000_000

const readBody = (request: IncomingMessage): Effect.Effect<Uint8Array, Http.ConnectionCut> =>
  Effect.async((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size > largestBody) resume(Effect.fail(Http.connectionCut()))
      else chunks.push(chunk)
    })
    request.once("end", () => resume(Effect.succeed(new Uint8Array(Buffer.concat(chunks)))))
    request.once("error", () => resume(Effect.fail(Http.connectionCut())))
  })

/** A write that fails never resumes: the `close` event that follows interrupts the fiber. */
const write = (response: ServerResponse, part: Uint8Array): Effect.Effect<void> =>
  part.length === 0
    ? Effect.void
    : Effect.async((resume) => {
        response.write(part, (error) => {
          if (!error) resume(Effect.void)
        })
      })

/** Resets the connection, so that the client cannot take the end of it for the end of the answer. */
const cut = (response: ServerResponse): Effect.Effect<void> =>
  Effect.sync(() => {
    const { socket } = response
    if (socket !== null && !socket.destroyed) socket.resetAndDestroy()
  })

const send = (
  request: IncomingMessage,
  response: ServerResponse,
  reply: Http.Reply
): Effect.Effect<void, Http.ConnectionCut> =>
  Effect.suspend(() => {
    const { body } = reply
    const bodiless = Http.isBodiless(request.method ?? "GET", reply.status)
    const headers =
      bodiless && request.method !== "HEAD"
        ? Object.fromEntries(Object.entries(reply.headers).filter(([name]) => name !== "content-length"))
        : reply.headers
    response.writeHead(reply.status, headers)
    if (bodiless) return Effect.sync(() => void response.end())
    if (body instanceof Uint8Array) {
      return Effect.async<void>((resume) => {
        response.once("finish", () => resume(Effect.void))
        response.end(body)
      })
    }
    response.flushHeaders()
    return Effect.zipRight(
      Stream.runForEach(body, (part) => write(response, part)),
      Effect.sync(() => void response.end())
    )
  })

const toRequest = (origin: string, message: IncomingMessage): Http.Request => {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value
  }
  const target = message.url ?? "/"
  return {
    method: message.method ?? "GET",
    // only the origin form, so that a client cannot choose another host
    url: new URL(origin + (target.startsWith("/") ? target : "/")),
    headers,
    body: readBody(message)
  }
}

const serveOne = (app: App.App, request: IncomingMessage, response: ServerResponse): Effect.Effect<void> =>
  app.respond(toRequest(app.service.origin, request)).pipe(
    Effect.flatMap(({ aborted, reply }) =>
      Effect.onInterrupt(send(request, response, reply), () => Effect.sync(aborted))
    ),
    Effect.catchAll(() => cut(response))
  )

const listen = (server: Server, host: string, port: number): Effect.Effect<AddressInfo, Error> =>
  Effect.async((resume) => {
    server.once("error", (error) => resume(Effect.fail(error)))
    server.listen({ host, port }, () => {
      const address = server.address()
      if (address !== null && typeof address === "object") resume(Effect.succeed(address))
    })
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.async((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

/** Listens until the scope closes. `make` gets the origin, with the port that was chosen. */
export const serve = <E>(
  host: string,
  port: number,
  make: (origin: string) => Effect.Effect<App.App, E>
): Effect.Effect<App.App, E | Error, Scope.Scope> =>
  Effect.gen(function* () {
    const ready = yield* Deferred.make<App.App>()
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => createServer()),
      close
    )
    const run = yield* FiberSet.makeRuntime<never, void, never>()
    server.on("request", (request, response) => {
      const fiber = run(Effect.flatMap(Deferred.await(ready), (app) => serveOne(app, request, response)))
      response.once("close", () => {
        if (!response.writableFinished) fiber.unsafeInterruptAsFork(FiberId.none)
      })
    })
    const address = yield* listen(server, host, port)
    const name = address.family === "IPv6" ? `[${address.address}]` : address.address
    const app = yield* make(`http://${name}:${address.port}`)
    yield* Deferred.succeed(ready, app)
    return app
  })
