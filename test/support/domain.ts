/** DomainApi in front of the embedded instance, and in front of a server that the test writes. */
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { Effect, Either, Exit, Layer, Option, Schema, Stream } from "effect"
import { EntitySet, ErpNet, TrustedApplication } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { application, instance } from "./fixtures.ts"

export const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({ Id: Schema.UUID, Number: Schema.NullOr(Schema.String) })
)

// --- the embedded instance ------------------------------------------------------------------------------------------

export const demo = { ...ErpNetEmulator.demoCredentials, scopes: ["read"] }

/** The demo application with the scope that lets it write. */
export const writer = Either.getOrThrow(
  TrustedApplication.make({ clientId: demo.clientId, clientSecret: demo.clientSecret, scope: "read update" })
)

/** All services in front of an embedded instance with little data. */
export const emulated = (
  emulator: ErpNetEmulator.Options = {},
  options: ErpNet.ServiceOptions = {},
  credentials: TrustedApplication.TrustedApplication = demo
): Layer.Layer<ErpNet.Services | ErpNetEmulator.ErpNetEmulator | HttpClient.HttpClient> =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, (erp) =>
      Layer.orDie(ErpNet.layer({ ...options, instance: erp.instance, credentials }))
    )
  ).pipe(Layer.provideMerge(ErpNetEmulator.layer({ customers: 3, products: 1, salesOrders: 1, ...emulator })))

/** The journal's entries for the Domain API. */
export const apiJournal = Effect.flatMap(ErpNetEmulator.ErpNetEmulator, (erp) =>
  Effect.map(erp.journal, (entries) => entries.filter((entry) => entry.path.startsWith("/api/")))
)

/** Lets the event loop turn: bodies of the embedded instance are read by promises, which no TestClock moves. */
export const turn: Effect.Effect<void> = Effect.promise(async () => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
})

// --- a server that the test writes ----------------------------------------------------------------------------------

export interface Call {
  /** The URL as the request carries it. */
  readonly sent: string
  /** The URL as a transport parses it. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** The connection breaks before the body is complete. */
  readonly cut?: boolean
}

export type Answer = Reply | "reset" | Effect.Effect<Reply | "reset">

export interface FakeDomain {
  readonly calls: Array<Call>
  /** How many requests to the API are being answered now, and were at most. */
  readonly inFlight: () => number
  readonly highest: () => number
  /** How many requests the client gave up before they were answered. */
  readonly aborted: () => number
  readonly exchanges: () => number
  readonly http: Layer.Layer<HttpClient.HttpClient>
  readonly layer: Layer.Layer<ErpNet.Services>
}

/** A response whose body needs no promise, so that a test knows what has happened when time stands still. */
const respond = (
  request: HttpClientRequest.HttpClientRequest,
  { body = "", cut = false, headers = {}, status = 200 }: Reply
): HttpClientResponse.HttpClientResponse => {
  const web = HttpClientResponse.fromWeb(
    request,
    new Response(null, { status, headers: { "content-type": "application/json", ...headers } })
  )
  const broken = () =>
    new HttpClientError.ResponseError({ request, response: web, reason: "Decode", cause: new Error("aborted") })
  const bytes = Stream.make(new TextEncoder().encode(body))
  return Object.create(web, {
    text: { get: () => (cut ? Effect.fail(broken()) : Effect.succeed(body)) },
    stream: { get: () => (cut ? Stream.concat(bytes, Stream.fail(broken())) : bytes) }
  })
}

/** An instance whose API answers what the test says; its identity server issues `token-1`, `token-2`, … */
export const fakeDomain = (
  handler: (call: Call, index: number) => Answer,
  options: ErpNet.ServiceOptions = {}
): FakeDomain => {
  const calls: Array<Call> = []
  let exchanges = 0
  let inFlight = 0
  let highest = 0
  let aborted = 0
  const answer = (call: Call): Effect.Effect<Reply | "reset"> => {
    const given = handler(call, calls.length)
    return Effect.acquireUseRelease(
      Effect.sync(() => {
        inFlight += 1
        highest = Math.max(highest, inFlight)
      }),
      () => (Effect.isEffect(given) ? given : Effect.succeed(given)),
      (_, exit) =>
        Effect.sync(() => {
          inFlight -= 1
          if (Exit.isInterrupted(exit)) aborted += 1
        })
    )
  }
  const client = HttpClient.make((request, url) =>
    Effect.gen(function* () {
      if (url.href === instance.tokenEndpoint) {
        exchanges += 1
        const body = JSON.stringify({ access_token: `token-${exchanges}`, expires_in: 3600, token_type: "Bearer" })
        return respond(request, { body })
      }
      const call: Call = { sent: request.url, url, headers: { ...request.headers } }
      calls.push(call)
      const reply = yield* answer(call)
      if (reply === "reset") {
        return yield* new HttpClientError.RequestError({
          request,
          reason: "Transport",
          cause: Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
        })
      }
      return respond(request, reply)
    })
  )
  const http = Layer.succeed(HttpClient.HttpClient, client)
  return {
    calls,
    inFlight: () => inFlight,
    highest: () => highest,
    aborted: () => aborted,
    exchanges: () => exchanges,
    http,
    layer: Layer.provide(Layer.orDie(ErpNet.layer({ ...options, instance, credentials: application })), http)
  }
}

/** The n-th id, and its row. */
export const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
export const row = (n: number): { readonly Id: string; readonly Number: string } => ({ Id: id(n), Number: String(n) })
export const rows = (from: number, to: number): Array<(typeof Customers)["schema"]["Type"]> =>
  Array.from({ length: to - from }, (_, n) => row(from + n))

/** A page of these rows with a link to the next. */
export const page = (value: ReadonlyArray<unknown>, nextLink?: unknown): Reply => ({
  body: JSON.stringify({
    "@odata.context": "c",
    ...(nextLink === undefined ? {} : { "@odata.nextLink": nextLink }),
    value
  })
})

/** So many rows in pages of the same size, the rest of a link being the number of the page: `Crm_Customers?page=2`. */
export const pages =
  (total: number, size: number) =>
  (call: Call): Reply => {
    const index = Number(call.url.searchParams.get("page") ?? "0")
    const to = Math.min(total, (index + 1) * size)
    return page(rows(index * size, to), to < total ? `Crm_Customers?page=${index + 1}` : undefined)
  }

/** The number of the page that a call asks for, the first being 0. */
export const pageOf = (call: Call): number => Number(call.url.searchParams.get("page") ?? "0")

/** What a fiber has failed with. */
export const failureOf = <A, E>(exit: Exit.Exit<A, E>): E =>
  Option.getOrThrowWith(
    Option.flatMap(Exit.causeOption(exit), (cause) =>
      cause._tag === "Fail" ? Option.some(cause.error) : Option.none()
    ),
    () => new Error(`expected a failure, got ${exit}`)
  )
