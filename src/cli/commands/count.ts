/** `effect-erpnet count`: how many rows there are. */

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as DomainApi from "../../DomainApi.ts"
import * as ErpNet from "../../ErpNet.ts"
import { checkPath, readPath, urlOf } from "../reading.ts"
import { type Settings, type SettingsError, withSettings } from "../settings.ts"

/** Prints the number of rows of an entity set, or of those that its filter takes. */
export const count = (
  path: string,
  options: Settings
): Effect.Effect<
  void,
  DomainApi.DomainApiError | SettingsError | Error,
  FileSystem.FileSystem | HttpClient.HttpClient
> =>
  Effect.gen(function* () {
    const { instance } = yield* DomainApi.DomainApi
    const url = new URL(yield* urlOf(instance, path))
    if (!url.pathname.endsWith("/$count")) url.pathname += "/$count"
    // Some servers put a byte order mark in front.
    yield* Console.log((yield* readPath(url.href)).replace(/^\uFEFF/, "").trim())
  }).pipe(
    Effect.provide(ErpNet.layerConfig({ discover: true })),
    (run) => Effect.zipRight(checkPath(path), run),
    withSettings(options)
  )
