/** What is remembered between leaving for the identity server and coming back, and the checks of the way back. */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AuthorizationDenied, AuthorizationFailed, InteractionRequired, StateMismatch } from "../ErpNetError.ts"
import { serverText } from "../internal/redaction.ts"

export const Pending = /* @__PURE__ */ Schema.Struct({
  state: Schema.Redacted(Schema.String),
  nonce: Schema.optional(Schema.Redacted(Schema.String)),
  codeVerifier: Schema.Redacted(Schema.String),
  issuer: Schema.String,
  redirectUri: Schema.String,
  scopes: Schema.Array(Schema.String),
  startedAt: Schema.Number,
  returnTo: Schema.String,
  maxAge: Schema.optional(Schema.Number)
})

export type Pending = typeof Pending.Type

/** A sign-in that takes longer than this is started again. */
const longestMillis = 10 * 60_000

/** Only a path of the own origin: a second slash, or a backslash that browsers read as one, would name a host. */
export const safePath = (returnTo: string | undefined): string =>
  returnTo !== undefined && /^\/(?![/\\])[^\u0000-\u001F\u007F]*$/.test(returnTo) ? returnTo : "/"

/** The query of a callback, whatever stands before it: behind a proxy scheme and host lie. */
export const queryOf = (callback: string | URL): URLSearchParams => {
  const [address = ""] = String(callback).split("#", 1)
  const at = address.indexOf("?")
  return new URLSearchParams(at === -1 ? "" : address.slice(at + 1))
}

/** Compares in a time that does not depend on where the texts differ. */
const isSame = (a: string, b: string): boolean => {
  let difference = a.length ^ b.length
  for (let at = 0; at < b.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at)
  return difference === 0
}

const interactions: ReadonlyArray<string> = [
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required"
]

interface Expected {
  readonly issuer: string
  readonly redirectUri: string
  readonly now: number
}

type CallbackError = StateMismatch | AuthorizationDenied | InteractionRequired | AuthorizationFailed

const stateFault = (
  pending: Pending,
  expected: Expected,
  states: ReadonlyArray<string>
): StateMismatch["reason"] | undefined => {
  const [state, ...more] = states
  if (state === undefined || state === "") return "missing"
  if (more.length > 0) return "doubled"
  if (!isSame(state, Redacted.value(pending.state))) return "different"
  if (pending.issuer !== expected.issuer || pending.redirectUri !== expected.redirectUri) return "otherInstance"
  return expected.now - pending.startedAt > longestMillis ? "expired" : undefined
}

/** The code of a callback, when every check holds. */
export const codeOf = (
  pending: Pending,
  expected: Expected,
  query: URLSearchParams
): Either.Either<Redacted.Redacted<string>, CallbackError> => {
  const fault = stateFault(pending, expected, query.getAll("state"))
  if (fault !== undefined) return Either.left(new StateMismatch({ reason: fault }))
  const doubled = ["code", "error", "iss"].some((name) => query.getAll(name).length > 1)
  if (doubled || (query.has("code") && query.has("error"))) {
    return Either.left(new AuthorizationFailed({ reason: "response" }))
  }
  const issuer = query.get("iss")
  if (issuer !== null && issuer !== expected.issuer) return Either.left(new AuthorizationFailed({ reason: "issuer" }))
  const error = query.get("error")
  if (error !== null) return Either.left(refusalOf(pending, error, query.get("error_description")))
  const code = query.get("code")
  return code === null || code === ""
    ? Either.left(new AuthorizationFailed({ reason: "response" }))
    : Either.right(Redacted.make(code))
}

const refusalOf = (pending: Pending, error: string, description: string | null): CallbackError => {
  const secrets = [pending.state, pending.codeVerifier, ...(pending.nonce === undefined ? [] : [pending.nonce])].map(
    (secret) => Redacted.value(secret)
  )
  const fields = {
    error: serverText(error, secrets),
    errorDescription: description === null ? undefined : serverText(description, secrets)
  }
  if (error === "access_denied") return new AuthorizationDenied(fields)
  return interactions.includes(error)
    ? new InteractionRequired(fields)
    : new AuthorizationFailed({ reason: "error", ...fields })
}
