import { Effect, Redacted, type Scope, TestClock } from "effect"
import { type AccessToken, TokenProvider } from "effect-erpnet"
import { application, instance } from "./fixtures.ts"
import type { Answer, FakeServer, Received } from "./transport.ts"

export const valueOf = (token: AccessToken.AccessToken): string => Redacted.value(token.value)

/** A provider of the fixtures' instance over the server. */
export const provider = (
  server: FakeServer,
  options: Partial<TokenProvider.Options> = {}
): Effect.Effect<TokenProvider.Service, never, Scope.Scope> =>
  Effect.provide(TokenProvider.make({ instance, credentials: application, ...options }), server.layer)

/** The handler, answering after a delay. */
export const delayed =
  (millis: number, handler: (request: Received, index: number) => Answer) =>
  (request: Received, index: number): Effect.Effect<Answer> =>
    Effect.map(Effect.sleep(millis), () => handler(request, index))

/** Lets fibers run until each waits, without time passing. */
export const settle: Effect.Effect<void> = TestClock.adjust(0)
