/** Shows each request on standard error: method, path, status and milliseconds. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { dim } from "./style.ts"

const pathOf = (url: string): string => (URL.canParse(url) ? new URL(url).pathname : url.replace(/[?#].*$/s, ""))

/** The same program; its requests are shown. A query may hold personal data, so it is left out. */
export const shown = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpClient.HttpClient> =>
  Effect.updateService(program, HttpClient.HttpClient, (client) =>
    HttpClient.transform(client, (response, request) =>
      Effect.gen(function* () {
        const before = yield* Clock.currentTimeMillis
        const tell = (outcome: string) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Console.error(dim(`${request.method} ${pathOf(request.url)} ${outcome} ${now - before} ms`))
          )
        return yield* response.pipe(
          Effect.tap(({ status }) => tell(String(status))),
          Effect.tapError(() => tell("no answer"))
        )
      })
    )
  )
