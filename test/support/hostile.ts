/** An instance whose servers say whatever the test wants, with all that they were sent at hand to be echoed. */
import type { HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { type Effect, Encoding, type Layer, Redacted } from "effect"
import type { TrustedApplication } from "effect-erpnet"
import { bodyText, clientOver, endpoint, fromWeb, tokenAnswer } from "./fakeServer.ts"
import * as Fixtures from "./fixtures.ts"
import { formEncode, type Needle, needlesOf, spellings } from "./leaks.ts"

export const clientId = Fixtures.application.clientId

// Every character that some encoding or other writes differently.
export const secret = "S3cr3tK3rnel\"\\/+ Ün&=%9x!'~pQ7w"

export const instance = Fixtures.instance

export const application: TrustedApplication.TrustedApplication = {
  ...Fixtures.application,
  clientSecret: Redacted.make(secret)
}

/** The n-th token that {@link granted} issues. */
export const tokenNumber = (n: number): string => `tok3n.${n}.k9Q+/x7~Lm2=Zp4WcV8`

/** A value for the Basic scheme, as a client may build it. */
export const basicPairs: ReadonlyArray<string> = [
  `${clientId}:${secret}`,
  `${formEncode(clientId)}:${formEncode(secret)}`
]

/** What must not show anywhere: the secret, the Basic credentials, and the first tokens. */
export const needles: ReadonlyArray<Needle> = [
  ...needlesOf("secret", secret),
  ...basicPairs.map((pair) => ({ name: "Basic credentials", pieces: [Encoding.encodeBase64(pair).slice(-24)] })),
  ...[1, 2, 3].flatMap((n) => needlesOf(`token ${n}`, tokenNumber(n)))
]

/** Ways for a server to repeat what it was told. */
export const echoes: Readonly<Record<string, (secret: string) => string>> = {
  ...Object.fromEntries(
    [
      "plain",
      "json",
      "json twice",
      "percent",
      "percent, lower case",
      "form",
      "form, lower case",
      "base64",
      "base64url"
    ].map((name) => [name, (told: string) => spellings(told)[name] ?? ""])
  ),
  "percent, mixed case": (told) =>
    encodeURIComponent(told).replace(/%(.)(.)/g, (_, high: string, low: string) => `%${high}${low.toLowerCase()}`),
  "percent, strict": (told) =>
    encodeURIComponent(told).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`),
  "percent, every byte": (told) => Encoding.encodeHex(told).replace(/../g, (byte) => `%${byte}`),
  "percent, twice": (told) => encodeURIComponent(encodeURIComponent(told)),
  html: (told) => told.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
  "html, hexadecimal": (told) => told.replace(/[^0-9A-Za-z]/gu, (char) => `&#x${char.codePointAt(0)?.toString(16)};`),
  "json, ASCII": (told) =>
    told.replace(/[^0-9A-Za-z]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`),
  "broken lines": (told) => told.replace(/.{3}/g, "$&\r\n"),
  "torn by NUL": (told) => told.replace(/.{3}/g, "$&\u0000"),
  "torn by zero-width space": (told) => [...told].join("\u200B"),
  "torn by bidi overrides": (told) => told.replace(/.{5}/g, "$&\u202E\u061C"),
  "torn Base64": (told) => Encoding.encodeBase64(told).replace(/.{8}/g, "$&\n"),
  "torn escapes": (told) => [...encodeURIComponent(told)].join("\u0085"),
  "in a sentence": (told) => `The value '${told}' (${JSON.stringify({ client_secret: told })}) is not accepted`
}

/** A request as a server gets it. */
export interface Seen {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly request: HttpClientRequest.HttpClientRequest
  /** The secret or token in it, and the header that carried it. */
  readonly told: string
}

export type Answer =
  | Response
  | HttpClientResponse.HttpClientResponse
  | Effect.Effect<HttpClientResponse.HttpClientResponse | Response, HttpClientError.HttpClientError>

export interface Hostile {
  readonly identity: Array<Seen>
  readonly api: Array<Seen>
  readonly layer: Layer.Layer<HttpClient.HttpClient>
}

const see = (request: HttpClientRequest.HttpClientRequest, url: URL): Seen => {
  const body = bodyText(request)
  const authorization = request.headers["authorization"] ?? ""
  return {
    method: request.method,
    url,
    headers: { ...request.headers },
    body,
    request,
    told: new URLSearchParams(body).get("client_secret") ?? authorization.replace(/^(Basic|Bearer) /, "")
  }
}

export const granted = (_seen: Seen, n: number): Response => Response.json(tokenAnswer(tokenNumber(n)))

export const rows = (): Response => Response.json({ value: [] })

/** Both servers of an instance behind one HttpClient. */
export const hostile = (
  servers: {
    readonly identity?: (seen: Seen, n: number) => Answer
    readonly api?: (seen: Seen, n: number) => Answer
  } = {}
): Hostile => {
  const identity = endpoint(see, servers.identity ?? granted)
  const api = endpoint(see, servers.api ?? rows)
  const { layer } = clientOver((url) => (url.pathname.startsWith("/id/") ? identity : api), fromWeb)
  return { identity: identity.received, api: api.received, layer }
}

/** A text that may stand in a header. */
export const headerSafe = (text: string): string => text.replace(/[^\x20-\x7E]/g, "")
