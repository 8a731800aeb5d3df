/** A CONNECT proxy and a TLS server on loopback, with the certificates of `certificates/`. */
import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { type Handler, type SocketRequest, withTokens } from "./socketServer.ts"

export const certificate = (name: string): string =>
  readFileSync(new URL(`./certificates/${name}`, import.meta.url), "utf8")

const listen = (server: Server, sockets: Set<Socket>): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<number>((resume) => {
      server.on("connection", (socket: Socket) => {
        sockets.add(socket)
        socket.on("error", () => undefined)
        socket.on("close", () => sockets.delete(socket))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    }),
    () =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )

export interface Connected {
  readonly target: string
  readonly authorization: string | undefined
}

export interface Proxy {
  readonly port: number
  readonly url: string
  readonly connected: Array<Connected>
}

/** Connects every name to `port`; with `credentials` it asks for them, with `refusal` it answers that status. */
export const connectProxy = (options: {
  readonly port: number
  readonly credentials?: string
  readonly refusal?: number
}): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    const connected: Array<Connected> = []
    const sockets = new Set<Socket>()
    const server = createServer((_, response) => response.writeHead(options.refusal ?? 405).end())
    server.on("connect", (request, socket: Socket) => {
      const authorization = request.headers["proxy-authorization"]
      connected.push({ target: request.url ?? "", authorization })
      const wanted = options.credentials && `Basic ${btoa(options.credentials)}`
      const refusal = options.refusal ?? (wanted !== undefined && authorization !== wanted ? 407 : undefined)
      if (refusal !== undefined) {
        socket.end(`HTTP/1.1 ${refusal} No\r\nproxy-authenticate: Basic realm="proxy"\r\ncontent-length: 0\r\n\r\n`)
        return
      }
      const onwards = connect(options.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
        onwards.pipe(socket)
        socket.pipe(onwards)
      })
      sockets.add(onwards)
      onwards.on("error", () => socket.destroy())
      socket.on("error", () => onwards.destroy())
    })
    const port = yield* listen(server, sockets)
    return { port, url: `http://127.0.0.1:${port}`, connected }
  })

export interface TlsServer {
  readonly port: number
  readonly requests: Array<SocketRequest>
  /** The names of the client certificates, one for each request. */
  readonly clients: Array<string | undefined>
  /** How many connections there ever were, whether their handshake succeeded or not. */
  readonly accepted: () => number
}

/** Tokens and an API over TLS. */
export const tlsServer = (
  api: Handler,
  options: { readonly name?: string; readonly requestCert?: boolean } = {}
): Effect.Effect<TlsServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { name = "server", requestCert = false } = options
    const requests: Array<SocketRequest> = []
    const clients: Array<string | undefined> = []
    let accepted = 0
    const handler = withTokens(api)
    const server = createTlsServer(
      {
        cert: certificate(`${name}.pem`),
        key: certificate(`${name}.key`),
        ca: certificate("ca.pem"),
        requestCert,
        rejectUnauthorized: requestCert
      },
      (message, response) => {
        const chunks: Array<Buffer> = []
        message.on("data", (chunk: Buffer) => chunks.push(chunk))
        message.on("end", () => {
          const peer: unknown = Reflect.apply(Reflect.get(message.socket, "getPeerCertificate"), message.socket, [])
          clients.push((peer as { readonly subject?: { readonly CN?: string } }).subject?.CN)
          const request: SocketRequest = {
            method: message.method ?? "",
            target: message.url ?? "",
            headers: message.headers,
            body: Buffer.concat(chunks).toString(),
            bearer: /^Bearer (.*)$/.exec(message.headers.authorization ?? "")?.[1],
            socket: message.socket
          }
          requests.push(request)
          handler(request, response, requests.length)
        })
      }
    )
    server.on("connection", () => {
      accepted += 1
    })
    server.on("tlsClientError", () => undefined)
    const port = yield* listen(server, new Set())
    return { port, requests, clients, accepted: () => accepted }
  })

/** Sets variables of the process for as long as the scope is open, and clears the proxies of the machine. */
export const withProcessEnv = (
  variables: Readonly<Record<string, string>>
): Effect.Effect<void, never, Scope.Scope> => {
  const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap((name) => [name, name.toLowerCase()])
  const all = [...new Set([...names, ...Object.keys(variables)])]
  return Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => {
        const before = all.map((name) => [name, process.env[name]] as const)
        for (const name of all) delete process.env[name]
        Object.assign(process.env, variables)
        return before
      }),
      (before) =>
        Effect.sync(() => {
          for (const [name, value] of before) {
            if (value === undefined) delete process.env[name]
            else process.env[name] = value
          }
        })
    )
  )
}
