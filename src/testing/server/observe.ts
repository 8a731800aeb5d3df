/**
 * Tells of each request as it is answered.
 *
 * @since 0.2.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as App from "./app.ts"
import type * as Journal from "./journal.ts"

/**
 * A request that the embedded instance has answered.
 *
 * @category models
 * @since 0.2.0
 */
export interface ObservedRequest {
  /** When it came: milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  readonly path: string
  /** `undefined` where the connection was cut before the answer. */
  readonly status: number | undefined
  /** How long the answer took. */
  readonly milliseconds: number
  /** The client id that asked for a token, or the fingerprint of the token that came along; `undefined` for neither. */
  readonly who: string | undefined
}

const whoOf = ({ body, headers }: Journal.JournalEntry): string | undefined =>
  typeof body === "object" && body["client_id"] !== undefined
    ? body["client_id"]
    : /^Bearer (.*)$/.exec(headers["authorization"] ?? "")?.[1]

/** The same app; `tell` runs after each request. */
export const observed =
  (tell: ((request: ObservedRequest) => Effect.Effect<void>) | undefined) =>
  (app: App.App): App.App =>
    tell === undefined
      ? app
      : {
          ...app,
          respond: (request) =>
            Effect.flatMap(Clock.currentTimeMillis, (at) =>
              Effect.ensuring(
                app.respond(request),
                Effect.gen(function* () {
                  const milliseconds = (yield* Clock.currentTimeMillis) - at
                  const entries = yield* app.service.journal
                  const entry = entries
                    .filter(({ method, url }) => method === request.method && url === request.url.href)
                    .at(-1)
                  const { method, url } = request
                  const who = entry === undefined ? undefined : whoOf(entry)
                  yield* tell({ at, method, path: url.pathname, status: entry?.status, milliseconds, who })
                })
              )
            )
        }
