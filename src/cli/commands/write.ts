/** `effect-erpnet create`, `update`, `remove` and `call`: the requests that change data. */

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { isLosslessNumber } from "lossless-json"
import * as DomainApi from "../../DomainApi.ts"
import type * as DomainRequest from "../../DomainRequest.ts"
import * as ErpNet from "../../ErpNet.ts"
import * as Instance from "../../Instance.ts"
import { UsageError } from "../output.ts"
import { checked, checkPath, urlOf } from "../reading.ts"
import { type Settings, type SettingsError, withSettings } from "../settings.ts"
import { readText, StandardInput } from "../standardInput.ts"
import { formatJson, parse, plainText } from "../table.ts"

export interface WriteOptions extends Settings {
  readonly dryRun?: boolean | undefined
}

export type Operation = "create" | "update" | "remove" | "call"

const methods = { create: "POST", update: "PATCH", remove: "DELETE", call: "POST" } as const

const isEntity = (path: string): boolean => /(?:^|\/)\w+\([^/()]+\)$/.test(path.replace(/\?.*$/s, ""))

const refuse = (message: string): Effect.Effect<never, UsageError> => new UsageError({ message })

/** The body as it was written, once it is known to be a JSON object. */
const readBody = (operation: Operation) =>
  Effect.gen(function* () {
    if (operation === "remove") return undefined
    const { isTerminal } = yield* StandardInput
    const text = isTerminal ? "" : (yield* readText).replace(/^\uFEFF/, "").trim()
    if (text === "") {
      return operation === "call"
        ? "{}"
        : yield* refuse(`There is no body. Give it on standard input: effect-erpnet ${operation} ... < body.json`)
    }
    const body = parse(text)
    return Option.isSome(body) && Predicate.isRecord(body.value) && !isLosslessNumber(body.value)
      ? text
      : yield* refuse("The body on standard input is not a JSON object.")
  })

const change = (
  operation: Operation,
  request: DomainRequest.WireRequest
): DomainRequest.Change<DomainRequest.Answer> => {
  const path = new URL(request.url).pathname
  return {
    _tag: "Change",
    operation,
    target: path,
    attributes: { "url.path": path },
    request: () => Either.right(request),
    decode: (answer) => Either.right({ _tag: "Done", value: answer })
  }
}

const answered = (operation: Operation, path: string, text: string) => {
  if (text.trim() === "") return Console.error(`Done: ${operation} ${path}`)
  const body = parse(text)
  return Console.log(Option.isSome(body) ? formatJson(body.value) : plainText(text))
}

const send = (operation: Operation, path: string, request: Pick<DomainRequest.WireRequest, "method" | "body">) =>
  Effect.gen(function* () {
    const api = yield* DomainApi.DomainApi
    const url = yield* urlOf(api.instance, path)
    const answer = yield* api.execute(change(operation, { ...request, url }))
    yield* answered(operation, path, yield* checked(answer))
  })

/** Sends one request that changes data, or shows it. */
export const write = (
  operation: Operation,
  path: string,
  options: WriteOptions
): Effect.Effect<
  void,
  DomainApi.WriteError | SettingsError | Error,
  FileSystem.FileSystem | HttpClient.HttpClient | StandardInput
> =>
  Effect.gen(function* () {
    // Checked before the instance is asked for anything.
    yield* checkPath(path)
    if ((operation === "update" || operation === "remove") && !isEntity(path)) {
      return yield* refuse(`${operation} takes one entity, as in 'Crm_Customers(<id>)'.`)
    }
    if (operation === "create" && isEntity(path)) {
      return yield* refuse("create takes an entity set, without an id; update changes an entity.")
    }
    const text = yield* readBody(operation)
    const method = methods[operation]
    if (options.dryRun === true) {
      const url = yield* urlOf(yield* Instance.fromConfig, path)
      const head = [`${method} ${url}`, ...(text === undefined ? [] : ["content-type: application/json", "", text])]
      return yield* Console.log(head.join("\n"))
    }
    const body = text === undefined ? undefined : { text, contentType: "application/json" }
    yield* send(operation, path, { method, body }).pipe(Effect.provide(ErpNet.layerConfig({ discover: true })))
  }).pipe(withSettings(options))
