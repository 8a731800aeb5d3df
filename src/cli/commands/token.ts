/** `effect-erpnet token`: requests an access token and tells what it is. */

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as AccessToken from "../../AccessToken.ts"
import type { TokenError } from "../../ErpNetError.ts"
import * as TokenProvider from "../../TokenProvider.ts"
import { bold } from "../output.ts"
import { type Settings, type SettingsError, withSettings } from "../settings.ts"

const describe = (origin: string, token: AccessToken.AccessToken): Effect.Effect<string> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const seconds = Math.max(0, Math.round((token.expiresAt - now) / 1000))
    return [
      ["instance", origin],
      ["fingerprint", token.fingerprint],
      ["scopes", token.scopes.length === 0 ? "none" : token.scopes.join(" ")],
      ["expires", `${new Date(token.expiresAt).toISOString()} (in ${seconds} s)`]
    ]
      .map(([name, value]) => `${bold((name ?? "").padEnd(12))} ${value}`)
      .join("\n")
  })

/** Prints what a token is; the token itself only where asked. */
export const token = (
  options: Settings & { readonly show?: boolean | undefined }
): Effect.Effect<void, TokenError | SettingsError, FileSystem.FileSystem | HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const { get, instance } = yield* TokenProvider.TokenProvider
    const token = yield* get
    const description = yield* describe(instance.origin, token)
    if (options.show !== true) return yield* Console.log(description)
    yield* Console.error(description)
    yield* Console.log(Redacted.value(token.value))
  }).pipe(Effect.provide(TokenProvider.layerConfig({ discover: true })), withSettings(options))
