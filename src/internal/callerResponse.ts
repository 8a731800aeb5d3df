import type * as Cookies from "@effect/platform/Cookies"
import type * as Headers from "@effect/platform/Headers"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import type * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { serverText } from "./redaction.ts"

const textOf = (value: unknown, property: "name" | "message" | "code"): string | undefined => {
  const text = Predicate.isRecord(value) || value instanceof Error ? Reflect.get(value, property) : undefined
  return typeof text === "string" ? text : undefined
}

/** A cause reduced to its name, text and code: the error objects of transports may hold the request. */
export const plainCause = (cause: unknown, secrets: ReadonlyArray<string>, depth = 0): Error | undefined => {
  if (cause === undefined || depth > 4) return undefined
  // The message of JSON.parse quotes the beginning of the body, which may be that of a token.
  if (cause instanceof SyntaxError) return new SyntaxError("the text is not valid JSON")
  const message = textOf(cause, "message") ?? (typeof cause === "string" ? cause : "")
  const inner = Predicate.hasProperty(cause, "cause") ? plainCause(cause.cause, secrets, depth + 1) : undefined
  const plain = new Error(serverText(message, secrets), inner === undefined ? {} : { cause: inner })
  plain.name = serverText(textOf(cause, "name") ?? "Error", secrets)
  const code = textOf(cause, "code")
  return code === undefined ? plain : Object.assign(plain, { code: serverText(code, secrets) })
}

const described = (description: string | undefined, secrets: ReadonlyArray<string>) =>
  description === undefined ? {} : { description: serverText(description, secrets) }

/** A request error of the platform, moved to the caller's own request, which holds no token. */
export const requestError = (
  error: HttpClientError.RequestError,
  request: HttpClientRequest.HttpClientRequest,
  secrets: ReadonlyArray<string>
): HttpClientError.RequestError =>
  new HttpClientError.RequestError({
    request,
    reason: error.reason,
    cause: plainCause(error.cause, secrets),
    ...described(error.description, secrets)
  })

const responseError = (
  error: HttpClientError.ResponseError,
  response: HttpClientResponse.HttpClientResponse,
  secrets: ReadonlyArray<string>
): HttpClientError.ResponseError =>
  new HttpClientError.ResponseError({
    request: response.request,
    response,
    reason: error.reason,
    cause: plainCause(error.cause, secrets),
    ...described(error.description, secrets)
  })

/** A platform error, moved to the caller's own request, which holds no token. */
export const clientError = (
  error: HttpClientError.HttpClientError,
  request: HttpClientRequest.HttpClientRequest,
  secrets: () => ReadonlyArray<string>
): HttpClientError.HttpClientError =>
  error._tag === "RequestError"
    ? requestError(error, request, secrets())
    : responseError(error, make(error.response, request, secrets), secrets())

class CallerResponse implements HttpClientResponse.HttpClientResponse {
  readonly [HttpClientResponse.TypeId]: HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  // Private to the language, not by convention: a printer that walks the properties finds neither request nor body.
  readonly #source: HttpClientResponse.HttpClientResponse
  readonly #secrets: () => ReadonlyArray<string>

  constructor(
    source: HttpClientResponse.HttpClientResponse,
    request: HttpClientRequest.HttpClientRequest,
    secrets: () => ReadonlyArray<string>
  ) {
    this.#source = source
    this.request = request
    this.#secrets = secrets
  }

  /** The secrets that no text of this response may contain. */
  static secretsOf(response: HttpClientResponse.HttpClientResponse): ReadonlyArray<string> {
    return #secrets in response ? response.#secrets() : []
  }

  #own<A>(effect: Effect.Effect<A, HttpClientError.ResponseError>): Effect.Effect<A, HttpClientError.ResponseError> {
    return Effect.mapError(effect, (error) => responseError(error, this, this.#secrets()))
  }

  get status(): number {
    return this.#source.status
  }
  get headers(): Headers.Headers {
    return this.#source.headers
  }
  get cookies(): Cookies.Cookies {
    return this.#source.cookies
  }
  get remoteAddress(): Option.Option<string> {
    return this.#source.remoteAddress
  }
  get text(): Effect.Effect<string, HttpClientError.ResponseError> {
    return this.#own(this.#source.text)
  }
  get json(): Effect.Effect<unknown, HttpClientError.ResponseError> {
    return this.#own(this.#source.json)
  }
  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.ResponseError> {
    return this.#own(this.#source.urlParamsBody)
  }
  get formData(): Effect.Effect<FormData, HttpClientError.ResponseError> {
    return this.#own(this.#source.formData)
  }
  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.ResponseError> {
    return this.#own(this.#source.arrayBuffer)
  }
  get stream(): Stream.Stream<Uint8Array, HttpClientError.ResponseError> {
    return Stream.mapError(this.#source.stream, (error) => responseError(error, this, this.#secrets()))
  }

  toJSON(): unknown {
    return { _id: "HttpClientResponse", method: this.request.method, status: this.status }
  }
  toString(): string {
    return Inspectable.format(this.toJSON())
  }
  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/**
 * A response for the caller: bound to the caller's own request, and printing no body. `secrets` are masked in the
 * texts of its errors.
 */
export const make = (
  source: HttpClientResponse.HttpClientResponse,
  request: HttpClientRequest.HttpClientRequest,
  secrets: () => ReadonlyArray<string>
): HttpClientResponse.HttpClientResponse => new CallerResponse(source, request, secrets)

/** The secrets to mask in texts of a response that {@link make} made. */
export const secretsOf = (response: HttpClientResponse.HttpClientResponse): ReadonlyArray<string> =>
  CallerResponse.secretsOf(response)
