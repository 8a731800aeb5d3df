/** Paths as people write them, and what is read from them. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as DomainApi from "../DomainApi.ts"
import * as DomainRequest from "../DomainRequest.ts"
import * as Instance from "../Instance.ts"
import { UsageError } from "./output.ts"

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
export const checkPath = (path: string) =>
  Effect.flatMap(Instance.fromConfig, (instance) => {
    const isHere = URL.canParse(path) && new URL(path).origin === new URL(instance.odata).origin
    return isHere && !path.includes("#") ? Effect.void : Effect.asVoid(urlOf(instance, path))
  })

const waiting = Console.error(
  "Still waiting. A busy instance, or one without a free licence, is asked again when it says so; Ctrl-C stops."
).pipe(Effect.delay("10 seconds"), Effect.zipRight(Effect.never))

/** The text of an answer, unless it holds the access token. */
export const checked = (answer: {
  readonly text: string
  readonly holdsToken: (text: string) => boolean
}): Effect.Effect<string, Error> =>
  answer.holdsToken(answer.text)
    ? Effect.fail(new Error("The answer holds the access token, so it is not printed."))
    : Effect.succeed(answer.text)

const accept = "application/json, text/plain;q=0.9, application/xml;q=0.8"

/** Reads a URL below the OData root. */
export const readPath = (url: string): Effect.Effect<string, DomainApi.DomainApiError | Error, DomainApi.DomainApi> =>
  Effect.flatMap(DomainApi.DomainApi, (api) =>
    Effect.flatMap(Effect.raceFirst(api.execute(DomainRequest.raw(url, { headers: { accept } })), waiting), checked)
  )
