/** DomainApi in front of the embedded instance, and in front of a server that the test writes. */
import type { HttpClient } from "@effect/platform"
import { Effect, Exit, Layer, Option, Schema } from "effect"
import { EntitySet, ErpNet, type TrustedApplication } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { clientOver, endpoint, type Given, synchronousResponse, tokenAnswer } from "./fakeServer.ts"
import { application, instance } from "./fixtures.ts"

export const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({ Id: Schema.UUID, Number: Schema.NullOr(Schema.String) })
)

// --- the embedded instance ------------------------------------------------------------------------------------------

export const demo = { ...ErpNetEmulator.demoCredentials, scopes: ["read"] }

/** The demo application with the scope that lets it write. */
export const writer = { ...ErpNetEmulator.demoCredentials, scopes: ["read", "update"] }

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

export type Answer = Given<Reply | "reset">

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

/** An instance whose API answers what the test says; its identity server issues `token-1`, `token-2`, … */
export const fakeDomain = (
  handler: (call: Call, index: number) => Answer,
  options: ErpNet.ServiceOptions = {}
): FakeDomain => {
  let inFlight = 0
  let highest = 0
  let aborted = 0
  const counted = (given: Answer): Effect.Effect<Reply | "reset"> =>
    Effect.acquireUseRelease(
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
  const calls = endpoint(
    (request, url): Call => ({ sent: request.url, url, headers: { ...request.headers } }),
    (call, index) => counted(handler(call, index))
  )
  const exchanges = endpoint(
    () => undefined,
    (_, index): Reply => ({ body: JSON.stringify(tokenAnswer(`token-${index}`)) })
  )
  // The bodies need no promise, so that a test knows what has happened when time stands still.
  const { layer: http } = clientOver<Reply>(
    (url) => (url.href === instance.tokenEndpoint ? exchanges : calls),
    (request, { body = "", cut = false, headers = {}, status = 200 }) =>
      synchronousResponse(request, status, body, { "content-type": "application/json", ...headers }, cut),
    "ECONNRESET"
  )
  return {
    calls: calls.received,
    inFlight: () => inFlight,
    highest: () => highest,
    aborted: () => aborted,
    exchanges: () => exchanges.received.length,
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
