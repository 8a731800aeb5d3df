/** `effect-erpnet get`: reads a path of the Domain API. */

import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as DomainApi from "../../DomainApi.ts"
import * as DomainRequest from "../../DomainRequest.ts"
import * as ErpNet from "../../ErpNet.ts"
import * as Instance from "../../Instance.ts"
import * as TokenProvider from "../../TokenProvider.ts"
import { UsageError } from "../output.ts"
import { type Settings, type SettingsError, settings, withSettings } from "../settings.ts"
import { formatJson, formatTable, parse, plainText } from "../table.ts"

const path = Args.text({ name: "path" }).pipe(
  Args.withDescription(
    "An entity set, an entity, a function or a next link below the OData root, with its query. Put it in single " +
      "quotes: the shell would replace $top."
  )
)

const format = Options.choice("format", ["json", "table"]).pipe(
  Options.withDefault("json"),
  Options.withDescription("json keeps every digit of the numbers; table cuts long values.")
)

/** The URL of a path as people write it: from the OData root, from the root of the site, or whole. */
export const urlOf = (instance: Instance.Instance, path: string): Either.Either<string, UsageError> => {
  const refuse = (reason: string) => Either.left(new UsageError({ message: `The path cannot be used: ${reason}.` }))
  if (path.includes("#")) return refuse("it has a # in it; write %23 in a value")
  const root = new URL(instance.odata)
  const isWhole = /^https?:\/\//i.test(path) || path.startsWith(root.pathname)
  const relative = isWhole ? path : `./${path.replace(/^\/+/, "")}`
  if (!URL.canParse(relative, root)) return refuse("it is not a URL")
  const url = new URL(relative, root)
  return url.origin === root.origin && url.pathname.startsWith(root.pathname) && url.username === ""
    ? Either.right(url.href)
    : refuse(`it does not lie below ${instance.odata}`)
}

/** Refuses what no place of the API could make good, before the instance is asked where its API is. */
const checkPath = (path: string) =>
  Effect.flatMap(Instance.fromConfig, (instance) => {
    const isHere = URL.canParse(path) && new URL(path).origin === new URL(instance.odata).origin
    return isHere && !path.includes("#") ? Effect.void : Effect.asVoid(urlOf(instance, path))
  })

const waiting = Console.error(
  "Still waiting. A busy instance, or one without a free licence, is asked again when it says so; Ctrl-C stops."
).pipe(Effect.delay("10 seconds"), Effect.zipRight(Effect.never))

const nextLinkOf = (body: unknown): Option.Option<string> =>
  Predicate.hasProperty(body, "@odata.nextLink") && typeof body["@odata.nextLink"] === "string"
    ? Option.some(body["@odata.nextLink"])
    : Option.none()

export const get: Command.Command<
  "get",
  FileSystem.FileSystem | HttpClient.HttpClient,
  DomainApi.DomainApiError | SettingsError | Error,
  Settings & { readonly path: string; readonly format: "json" | "table" }
> = Command.make("get", { path, ...settings, format }, (options) =>
  Effect.gen(function* () {
    const api = yield* DomainApi.DomainApi
    const url = yield* urlOf(api.instance, options.path)
    const accept = "application/json, text/plain;q=0.9, application/xml;q=0.8"
    const { text } = yield* Effect.raceFirst(api.execute(DomainRequest.raw(url, { headers: { accept } })), waiting)
    const tokens = yield* TokenProvider.TokenProvider
    if (text.includes(Redacted.value((yield* tokens.get).value))) {
      return yield* Effect.fail(new Error("The answer holds the access token, so it is not printed."))
    }
    const body = parse(text)
    if (Option.isNone(body)) return yield* Console.log(plainText(text))
    if (options.format === "json") return yield* Console.log(formatJson(body.value))
    yield* Console.log(formatTable(body.value))
    const link = nextLinkOf(body.value)
    if (Option.isSome(link))
      yield* Console.error(`There are more rows. Get them with the path '${plainText(link.value)}'.`)
  }).pipe(
    Effect.provide(ErpNet.layerConfig({ discover: true })),
    (run) => Effect.zipRight(checkPath(options.path), run),
    withSettings(options)
  )
).pipe(Command.withDescription("Read a path of the Domain API below the OData root, with an access token of its own."))
