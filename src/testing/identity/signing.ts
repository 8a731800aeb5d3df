/**
 * The RS256 key of this process, made on first use, and JSON Web Tokens with it. No other state is shared between
 * embedded instances: making a key takes a good part of a second.
 *
 * @since 0.1.0
 */
import { createHash, generateKeyPairSync, type KeyObject, sign as rsaSign, verify as rsaVerify } from "node:crypto"

interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

let made: SigningKey | undefined

const key = (): SigningKey => {
  if (made !== undefined) return made
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
  const der = publicKey.export({ format: "der", type: "spki" })
  made = {
    kid: createHash("sha256").update(der).digest("hex").slice(0, 32).toUpperCase(),
    privateKey,
    publicKey
  }
  return made
}

/** The JSON Web Key Set that publishes the key. */
export const jwks = (): unknown => {
  const { kid, publicKey } = key()
  const { e, n } = publicKey.export({ format: "jwk" })
  return { keys: [{ kty: "RSA", use: "sig", kid, e, n, alg: "RS256" }] }
}

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value), "utf8").toString("base64url")

/** Signs the claims as an access token (`at+jwt`), or as an identity token (`JWT`). */
export const sign = (claims: Readonly<Record<string, unknown>>, typ: "at+jwt" | "JWT" = "at+jwt"): string => {
  const { kid, privateKey } = key()
  const content = `${base64url({ alg: "RS256", kid, typ })}.${base64url(claims)}`
  return `${content}.${rsaSign("sha256", Buffer.from(content), privateKey).toString("base64url")}`
}

/** The claim that binds another value to an identity token: the left half of its SHA-256. */
export const halfHash = (value: string): string =>
  createHash("sha256").update(value, "utf8").digest().subarray(0, 16).toString("base64url")

/** A token that could be read. */
export interface Verified {
  readonly claims: Readonly<Record<string, unknown>>
  /** What JwtBearer says is wrong with the signature, if anything is. */
  readonly fault: string | undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parseRecord = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Reads a token and checks its signature; `undefined` is no JSON Web Token at all. */
export const verify = (token: string): Verified | undefined => {
  const [header, payload, signature, ...more] = token.split(".")
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined
  const head = parseRecord(header)
  const claims = parseRecord(payload)
  if (head === undefined || claims === undefined) return undefined
  const { kid, publicKey } = key()
  const genuine =
    head["alg"] === "RS256" &&
    rsaVerify("sha256", Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url"))
  if (head["kid"] !== undefined && head["kid"] !== kid) return { claims, fault: "The signature key was not found" }
  return { claims, fault: genuine ? undefined : "The signature is invalid" }
}
