/** `effect-erpnet doctor`: walks through a real set-up, and says what to do about what fails. */

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as AccessToken from "../../AccessToken.ts"
import * as AuthorizedClient from "../../AuthorizedClient.ts"
import { type InvalidScope, LicenseUnavailable, RateLimited } from "../../ErpNetError.ts"
import * as Instance from "../../Instance.ts"
import * as Body from "../../internal/body.ts"
import * as LosslessJson from "../../internal/losslessJson.ts"
import * as Transport from "../../internal/transport.ts"
import * as TokenProvider from "../../TokenProvider.ts"
import * as TrustedApplication from "../../TrustedApplication.ts"
import { type Finding, makeReport, pass, skip } from "../checks.ts"
import { connectionAdvice, isTlsFault } from "../connection.ts"
import type { UsageError } from "../output.ts"
import { type Settings, withSettings } from "../settings.ts"

/** A check failed; the message says why and what to do. */
class Fault extends Data.TaggedError("Fault")<{ readonly message: string }> {}

const fault = (message: string): Effect.Effect<never, Fault> => new Fault({ message })

/** How long a request of the doctor may take, answer included. */
const patience = "10 seconds"

interface Setup {
  readonly conventional: Instance.Instance
  readonly application: TrustedApplication.TrustedApplication
}

const readSettings = Effect.gen(function* () {
  // Read together, so that all settings that are missing are told at once.
  const { options } = yield* Config.all({
    name: Config.string("ERPNET_INSTANCE"),
    options: TrustedApplication.configOptions
  })
  const conventional = yield* Instance.fromConfig
  const application = yield* TrustedApplication.make(options)
  const scope = application.scopes.length === 0 ? "all scopes" : `scope "${application.scopes.join(" ")}"`
  const setup: Setup = { conventional, application }
  return pass(`instance ${conventional.origin}, client id ${application.clientId}, ${scope}`, setup)
})

/** What came of the first request: an answer, or TLS that failed with this code. */
type Connection = Either.Either<void, string>

const connect = (origin: string): Effect.Effect<Finding<Connection>, unknown, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const client = yield* Transport.client
    const response = yield* client.execute(HttpClientRequest.get(`${origin}/tools/ver`))
    const text = yield* Body.read(response)
    if (response.status >= 500) {
      return yield* fault(`${origin} answers ${response.status}. Check that the site of the instance is running.`)
    }
    const version = response.status === 200 && /^\d+(?:\.\d+)+$/.test(text.trim()) ? `, version ${text.trim()}` : ""
    return pass(`${origin} answers${version}`, Either.void)
  }).pipe(
    Effect.catchTags({
      RequestError: (error) => disconnected(origin, Transport.describe(error)),
      ResponseError: (error) => disconnected(origin, Transport.describe(error)),
      BodyBroken: ({ detail }) => disconnected(origin, detail),
      BodyTooLarge: () => Effect.succeed(pass(`${origin} answers`, Either.void))
    }),
    Effect.timeoutFail({
      duration: patience,
      onTimeout: () =>
        new Fault({ message: `${origin} gives no answer in ${patience}. ${connectionAdvice("ETIMEDOUT")}` })
    })
  )

const disconnected = (origin: string, code = "no code"): Effect.Effect<Finding<Connection>, Fault> =>
  isTlsFault(code)
    ? Effect.succeed(pass(`${origin} can be connected to`, Either.left(code)))
    : fault(`No connection to ${origin} (${code}). ${connectionAdvice(code)}`)

const checkTls = (
  origin: string,
  connection: Connection
): Effect.Effect<Finding<void>, Fault | ConfigError.ConfigError> =>
  Effect.gen(function* () {
    if (origin.startsWith("http:")) return skip("http on loopback needs none", undefined)
    if (Either.isLeft(connection)) {
      return yield* fault(`No TLS connection to ${origin} (${connection.left}). ${connectionAdvice(connection.left)}`)
    }
    const verification = yield* Config.option(Config.string("NODE_TLS_REJECT_UNAUTHORIZED"))
    if (Option.contains(verification, "0")) {
      return yield* fault(
        "NODE_TLS_REJECT_UNAUTHORIZED=0 switches the verification of certificates off, so anyone can read the secret. " +
          "Unset it; NODE_EXTRA_CA_CERTS names the certificate of an authority that Node does not know."
      )
    }
    return pass("the certificate is valid", undefined)
  })

const discover = ({ conventional }: Setup) =>
  Effect.map(Instance.discoverFromConfig(), (instance) => {
    const moved = instance.tokenEndpoint !== conventional.tokenEndpoint || instance.odata !== conventional.odata
    const advice = moved
      ? "; these are not the usual addresses: a program needs layerConfig({ discover: true }), or " +
        "ERPNET_TOKEN_ENDPOINT and ERPNET_ODATA"
      : ""
    return pass(`tokens from ${instance.tokenEndpoint}, API at ${instance.odata}${advice}`, instance)
  })

/** The token, or the refusal of the scopes, which is not the fault of the credentials. */
type Granted = Either.Either<AccessToken.AccessToken, InvalidScope>

const requestToken = (tokens: TokenProvider.TokenProvider["Type"]) =>
  Effect.gen(function* () {
    const granted: Granted = yield* tokens.get.pipe(
      Effect.map(Either.right),
      Effect.catchTag("InvalidScope", (error) => Effect.succeed(Either.left(error)))
    )
    if (Either.isLeft(granted))
      return skip<Granted>("the credentials are right, but no token for these scopes", granted)
    const seconds = Math.round((granted.right.expiresAt - (yield* Clock.currentTimeMillis)) / 1000)
    return pass<Granted>(`fingerprint ${granted.right.fingerprint}, expires in ${seconds} s`, granted)
  })

const checkScopes = ({ application }: Setup, granted: Granted): Effect.Effect<Finding<void>, Fault | InvalidScope> =>
  Effect.gen(function* () {
    const { scopes } = yield* granted
    const missing = application.scopes.filter((scope) => !scopes.includes(scope))
    if (missing.length > 0) {
      return yield* fault(`Not granted: ${missing.join(" ")}. Add it to the Scope of the Trusted Application.`)
    }
    if (!scopes.includes("read")) {
      return yield* fault(
        `Granted: ${scopes.join(" ") || "none"}. Without read the API refuses every GET: add it to the Scope of the ` +
          "Trusted Application, and to ERPNET_SCOPE where that is set."
      )
    }
    const writing = scopes.includes("update") ? "" : "; writing needs update as well"
    return pass(`${scopes.join(" ")}${writing}`, undefined)
  })

/** What a call came to: an answer, or a refusal that is about the number of sessions and requests. */
type Called = Either.Either<void, LicenseUnavailable | RateLimited>

const callApi = (tokens: TokenProvider.TokenProvider["Type"]) =>
  Effect.gen(function* () {
    const client = yield* AuthorizedClient.make()
    const response = yield* client.get("GetVersion", { accept: "application/json" })
    const path = new URL("GetVersion", tokens.instance.odata).pathname
    const answered = yield* Effect.either(AuthorizedClient.filterStatus(response, path))
    if (Either.isRight(answered)) {
      const answer = Option.getOrUndefined(LosslessJson.parsePlain(yield* Body.read(response)))
      const isVersion = Predicate.hasProperty(answer, "version") && typeof answer.version === "string"
      if (!isVersion) return yield* fault(`GET ${path} gave no version. Check that this is the Domain API of ERP.net.`)
      return pass<Called>(`GET ${path} is answered`, Either.void)
    }
    const error = answered.left
    return error instanceof LicenseUnavailable || error instanceof RateLimited
      ? pass<Called>("the token is accepted", Either.left(error))
      : yield* error
  }).pipe(
    Effect.provideService(TokenProvider.TokenProvider, tokens),
    Effect.catchTags({
      RequestError: (error) => lost(Transport.describe(error)),
      ResponseError: (error) => lost(Transport.describe(error)),
      BodyBroken: ({ detail }) => lost(detail),
      BodyTooLarge: () => fault("The answer is larger than that of GetVersion. Check that this is the Domain API.")
    }),
    Effect.timeoutFail({
      duration: "30 seconds",
      onTimeout: () => new Fault({ message: "The API gives no answer in 30 seconds. Check that its site is running." })
    })
  )

const lost = (code = "no code") => fault(`The API gave no answer (${code}). ${connectionAdvice(code)}`)

const checkLicence = (called: Called): Effect.Effect<Finding<void>, LicenseUnavailable | RateLimited> =>
  Effect.map(called, () => pass("a session was opened; its licence slot is free again 20 minutes after", undefined))

const diagnose: Effect.Effect<void, Fault, HttpClient.HttpClient | Scope.Scope> = Effect.gen(function* () {
  const { check, failures } = yield* makeReport
  const setup = yield* check("settings", Either.void, () => readSettings)
  const connection = yield* check("reachable", setup, ({ conventional }) => connect(conventional.origin))
  const secure = yield* check("TLS", Either.all([setup, connection]), ([{ conventional }, connection]) =>
    checkTls(conventional.origin, connection)
  )
  const instance = yield* check("discovery", Either.andThen(secure, setup), discover)
  const tokens = yield* Effect.transposeOption(
    Option.map(Option.getRight(Either.all([setup, instance])), ([{ application }, instance]) =>
      TokenProvider.make({ instance, credentials: application })
    )
  )
  const provider = Either.flatMap(instance, () => Either.fromOption(tokens, () => "discovery"))
  const granted = yield* check("token", provider, requestToken)
  const scopes = yield* check("scopes", Either.all([setup, granted]), ([setup, granted]) => checkScopes(setup, granted))
  const called = yield* check("API", Either.andThen(scopes, provider), callApi)
  yield* check("licence", called, checkLicence)
  const failed = yield* failures
  if (failed.length > 0) return yield* fault(`The set-up does not work yet: ${failed.join(", ")} failed.`)
  yield* Console.log("The set-up works.")
})

/** Checks a set-up step by step. */
export const doctor = (
  options: Settings
): Effect.Effect<void, Fault | UsageError, FileSystem.FileSystem | HttpClient.HttpClient> =>
  diagnose.pipe(Effect.scoped, withSettings(options))
