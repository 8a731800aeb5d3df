/** A 401 that no other request follows. */
import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { AuthorizedClient, TokenProvider } from "effect-erpnet"
import { application, instance } from "../support/fixtures.ts"
import { settle } from "../support/tokens.ts"
import { fakeServer, issuing, json } from "../support/transport.ts"

describe("AuthorizedClient: a refusal that cannot be repeated", () => {
  it.scoped("is answered at once, though the identity server hangs; the token is dropped", () =>
    Effect.gen(function* () {
      const issue = issuing()
      let exchanges = 0
      const server = fakeServer((request, index) => {
        if (!request.url.pathname.endsWith("/connect/token")) return json(401, {})
        exchanges += 1
        return exchanges % 2 === 1 ? issue(request, index) : Effect.never
      })
      const body = HttpClientRequest.bodyStream(Stream.make(new Uint8Array([1])))
      for (const [options, request] of [
        [{}, body(HttpClientRequest.post("x"))],
        [{ retryUnauthorized: Schedule.recurs(0) }, HttpClientRequest.get("x")]
      ] as const) {
        exchanges = 0
        const tokens = yield* TokenProvider.make({ instance, credentials: application }).pipe(
          Effect.provide(server.layer)
        )
        const client = yield* AuthorizedClient.make(options).pipe(
          Effect.provideService(TokenProvider.TokenProvider, tokens),
          Effect.provide(server.layer)
        )
        const call = yield* Effect.fork(Effect.flip(client.execute(request)))
        yield* settle
        const exit = call.unsafePoll()
        assert.isNotNull(exit, "the caller waits for the exchange")
        assert.strictEqual((yield* Fiber.join(call))._tag, "Unauthorized")
        assert.strictEqual(exchanges, 2)
      }
    })
  )
})
