/**
 * The requests received, with every secret masked before it is recorded.
 *
 * @since 0.1.0
 */

import * as Tokens from "../identity/tokens.ts"
import * as Http from "./http.ts"

/**
 * One request as the embedded instance received it. Secrets and tokens are not in it.
 *
 * @category models
 * @since 0.1.0
 */
export interface JournalEntry {
  /** When it came: milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  /** The whole address. */
  readonly url: string
  readonly path: string
  /** Raw, without the question mark. */
  readonly query: string
  /** Names in lower case; a bearer token reads `Bearer <fingerprint>`. */
  readonly headers: Readonly<Record<string, string>>
  /** The fields of a token request, any other body as text; empty until it has arrived. */
  readonly body: string | Readonly<Record<string, string>>
  /** The status of the answer; `undefined` while there is none, and when the connection was cut before it. */
  readonly status: number | undefined
  /** The client disconnected before the answer was complete. */
  readonly aborted: boolean
}

const hidden = "<redacted>"

const secretQueryFields =
  /^(?:secret|client_secret|access_token|refresh_token|token|code|code_verifier|id_token_hint|id_token|password)$/i

/** Form fields that never hold a secret; all others are masked, so that a misspelt name hides its value as well. */
const plainFormFields: ReadonlyArray<string> = ["grant_type", "client_id", "scope", "redirect_uri", "resource"]

const maskAuthorization = (value: string): string => {
  const [scheme, credentials] = [value.split(" ", 1)[0] ?? "", value.slice(value.indexOf(" ") + 1).trim()]
  if (scheme.toLowerCase() === "bearer") return `Bearer ${Tokens.fingerprint(credentials)}`
  return scheme.toLowerCase() === "basic" ? `Basic ${hidden}` : hidden
}

const maskHeader = (name: string, value: string): string => {
  switch (name) {
    case "authorization":
      return maskAuthorization(value)
    case "x-api-key":
    case "api-key":
      return Tokens.fingerprint(value.trim())
    case "cookie":
    case "proxy-authorization":
      return hidden
    default:
      return value
  }
}

const maskQuery = (query: string): string =>
  query
    .split("&")
    .map((pair) => {
      const name = pair.split("=", 1)[0] ?? ""
      return secretQueryFields.test(name) && name !== pair ? `${name}=${hidden}` : pair
    })
    .join("&")

const maskForm = (body: string): Readonly<Record<string, string>> => {
  const fields: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(body)) {
    const known = plainFormFields.includes(name)
    fields[/^[a-z_]{1,40}$/.test(name) ? name : hidden] = known ? value : hidden
  }
  return fields
}

const isForm = (headers: Readonly<Record<string, string>>): boolean =>
  (headers["content-type"] ?? "").toLowerCase().startsWith("application/x-www-form-urlencoded")

/** The parts of a batch carry headers of their own. */
const maskText = (body: string): string => body.replace(/(bearer|basic)[ \t]+[^\s"']+/gi, `$1 ${hidden}`)

const maskBody = (request: Http.Request, secret: boolean, body: string): JournalEntry["body"] => {
  if (isForm(request.headers)) return maskForm(body)
  return secret && body !== "" ? hidden : maskText(body)
}

/** The open end of an entry. */
export interface Open {
  readonly received: (body: Uint8Array) => void
  readonly answered: (status: number) => void
  readonly aborted: () => void
}

/** The requests written down, up to a limit. */
export interface Journal {
  /** Writes a request down; `secret` is a request whose whole body must not be shown unless it is a form. */
  readonly open: (request: Http.Request, at: number, secret: boolean) => Open
  readonly entries: () => ReadonlyArray<JournalEntry>
  readonly clear: () => void
}

/** Starts an empty journal that keeps this many of the newest requests. */
export const make = (limit: number): Journal => {
  let kept: Array<{ entry: JournalEntry }> = []
  return {
    open: (request, at, secret) => {
      const query = maskQuery(request.url.search.slice(1))
      const slot: { entry: JournalEntry } = {
        entry: {
          at,
          method: request.method,
          url: `${request.url.origin}${request.url.pathname}${query === "" ? "" : `?${query}`}`,
          path: request.url.pathname,
          query,
          headers: Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, maskHeader(name, value)])
          ),
          body: "",
          status: undefined,
          aborted: false
        }
      }
      kept.push(slot)
      // cut now and then, so that a full journal does not cost a copy per request
      if (kept.length >= 2 * limit + 1) kept = kept.slice(-limit)
      return {
        received: (body) => {
          slot.entry = { ...slot.entry, body: maskBody(request, secret, Http.decode(body)) }
        },
        answered: (status) => {
          slot.entry = { ...slot.entry, status }
        },
        aborted: () => {
          slot.entry = { ...slot.entry, aborted: true }
        }
      }
    },
    entries: () => (limit < 1 ? [] : kept.slice(-limit).map((slot) => slot.entry)),
    clear: () => {
      kept = []
    }
  }
}
