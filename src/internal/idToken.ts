/**
 * The claims of an id_token that came straight from the token endpoint over TLS: its signature need not be checked
 * (OpenID Connect Core 3.1.3.7 item 6), its claims must be.
 */

import { sha256 } from "@noble/hashes/sha2"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as LosslessJson from "./losslessJson.ts"

/** The claims that are looked at. */
export interface Claims {
  readonly subject: string
  readonly sessionId: Option.Option<string>
  /** Milliseconds since the epoch. */
  readonly authenticatedAt: Option.Option<number>
  readonly identityProvider: Option.Option<string>
  readonly methods: ReadonlyArray<string>
}

/** What every id_token of a client must say. */
export interface Party {
  readonly issuer: string
  readonly clientId: string
}

/** What the id_token of a sign-in must say besides. */
export interface Expected extends Party {
  readonly now: number
  readonly nonce: string
  readonly accessToken: string
  /** Seconds. */
  readonly maxAge: number | undefined
}

/** It lives for 5 minutes; a clock that is some minutes wrong must not lock people out. */
const toleranceMillis = 5 * 60_000

type Members = Readonly<Record<PropertyKey, unknown>>

/** What is wrong with an id_token: the claim or header at fault, and why. */
export interface Fault {
  readonly claim:
    | "iss"
    | "aud"
    | "azp"
    | "exp"
    | "nbf"
    | "nonce"
    | "alg"
    | "crit"
    | "at_hash"
    | "sub"
    | "auth_time"
    | "id_token"
  readonly reason: string
}

const fault = (claim: Fault["claim"], reason: string): Fault => ({ claim, reason })

const invalid = (claim: Fault["claim"], reason: string): Either.Either<never, Fault> =>
  Either.left(fault(claim, reason))

const part = (text: string): Option.Option<Members> =>
  Either.getRight(Encoding.decodeBase64UrlString(text)).pipe(
    Option.flatMap((json) => LosslessJson.parsePlain(json)),
    Option.filter(Predicate.isRecord)
  )

const parse = (
  token: Redacted.Redacted<string>
): Either.Either<{ readonly header: Members; readonly claims: Members }, Fault> => {
  const parts = Redacted.value(token).split(".")
  const [header, claims] = parts.slice(0, 2).map(part)
  return parts.length !== 3 || header === undefined || claims === undefined
    ? invalid("id_token", "it is not a token of three parts")
    : Either.fromOption(Option.all({ header, claims }), () => fault("id_token", "header or claims cannot be read"))
}

const textOf = (claim: unknown): Option.Option<string> =>
  typeof claim === "string" && claim !== "" ? Option.some(claim) : Option.none()

const textsOf = (claim: unknown): ReadonlyArray<string> =>
  typeof claim === "string" ? [claim] : Array.isArray(claim) ? claim.filter(Predicate.isString) : []

const millisOf = (claim: unknown): number | undefined =>
  typeof claim === "number" && Number.isFinite(claim) ? claim * 1000 : undefined

const checkParty = (claims: Members, { clientId, issuer }: Party): Either.Either<void, Fault> => {
  if (claims["iss"] !== issuer) return invalid("iss", "it comes from another identity server")
  const audiences = textsOf(claims["aud"])
  if (!audiences.includes(clientId)) return invalid("aud", "it is for another application")
  const party = claims["azp"]
  if ((audiences.length > 1 || party !== undefined) && party !== clientId) {
    return invalid("azp", "it was issued to another application")
  }
  return Either.void
}

const checkTimes = (claims: Members, { maxAge, now }: Expected): Either.Either<void, Fault> => {
  const expires = millisOf(claims["exp"])
  if (expires === undefined) return invalid("exp", "it is missing or no number")
  if (now > expires + toleranceMillis) return invalid("exp", "it has expired; check the clocks of both sides")
  const notBefore = millisOf(claims["nbf"])
  if (claims["nbf"] !== undefined && notBefore === undefined) return invalid("nbf", "it is no number")
  if (notBefore !== undefined && now < notBefore - toleranceMillis) {
    return invalid("nbf", "it is not valid yet; check the clocks of both sides")
  }
  if (maxAge === undefined) return Either.void
  const authenticated = millisOf(claims["auth_time"])
  if (authenticated === undefined) return invalid("auth_time", "it is missing, although maxAge asks for it")
  return now - authenticated > maxAge * 1000 + toleranceMillis
    ? invalid("auth_time", "the sign-in is older than maxAge allows")
    : Either.void
}

const leftHalfHash = (text: string): string => Encoding.encodeBase64Url(sha256(text).subarray(0, 16))

const read = (claims: Members): Either.Either<Claims, Fault> => {
  const authenticated = millisOf(claims["auth_time"])
  return Either.map(
    Either.fromOption(textOf(claims["sub"]), () => fault("sub", "it names no person")),
    (subject) => ({
      subject,
      sessionId: textOf(claims["sid"]),
      authenticatedAt: Option.fromNullable(authenticated),
      identityProvider: textOf(claims["idp"]),
      methods: textsOf(claims["amr"])
    })
  )
}

/** Checks the id_token of a sign-in. */
export const check = (token: Redacted.Redacted<string>, expected: Expected): Either.Either<Claims, Fault> =>
  Either.gen(function* () {
    const { claims, header } = yield* parse(token)
    if (header["alg"] !== "RS256") yield* invalid("alg", "only RS256 is accepted")
    if (header["crit"] !== undefined) yield* invalid("crit", "it asks for extensions that are not known here")
    yield* checkParty(claims, expected)
    yield* checkTimes(claims, expected)
    if (claims["nonce"] !== expected.nonce) yield* invalid("nonce", "it belongs to another sign-in")
    const hash = claims["at_hash"]
    if (hash !== undefined && hash !== leftHalfHash(expected.accessToken)) {
      yield* invalid("at_hash", "it belongs to another access token")
    }
    return yield* read(claims)
  })

/** Checks the id_token of a renewal (OpenID Connect Core 12.2): the same server, application and person. */
export const checkRenewed = (
  token: Redacted.Redacted<string>,
  party: Party,
  subject: string | undefined
): Either.Either<Claims, Fault> =>
  Either.gen(function* () {
    const { claims } = yield* parse(token)
    yield* checkParty(claims, party)
    const known = yield* read(claims)
    if (subject !== undefined && known.subject !== subject) yield* invalid("sub", "it is about another person")
    return known
  })

/** Whose id_token it is, where that can be read. */
export const subjectOf = (token: Redacted.Redacted<string>): string | undefined =>
  Option.getOrUndefined(Either.getRight(Either.flatMap(parse(token), ({ claims }) => read(claims))))?.subject
