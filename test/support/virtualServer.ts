/** A provider in a virtual world, over an identity server that needs no promise. */
import { Effect, Exit, Scope } from "effect"
import { TokenProvider } from "effect-erpnet"
import { clientOver, endpoint, synchronousResponse } from "./fakeServer.ts"
import { application, instance } from "./fixtures.ts"
import type { Virtual } from "./virtual.ts"

export interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Record<string, string>
}

export type VirtualAnswer = Effect.Effect<Reply | "reset">

export const reply = (status: number, body: unknown, headers: Record<string, string> = {}): Reply => ({
  status,
  body: typeof body === "string" ? body : JSON.stringify(body),
  headers
})

export interface VirtualServer {
  readonly tokens: TokenProvider.Service
  /** When each request came, in time really passed. */
  readonly times: ReadonlyArray<number>
  readonly scope: Scope.CloseableScope
  /** Answers with this instead of tokens, until it is set to undefined again. */
  fault: VirtualAnswer | undefined
  /** How many seconds the tokens `token-1`, `token-2`, … live. */
  lifetime: number
  /** How many milliseconds a token takes to come. */
  delay: number
}

export const virtualServer = (
  world: Virtual,
  options: Partial<TokenProvider.Options> = {},
  initial: { readonly lifetime?: number; readonly delay?: number } = {}
): VirtualServer => {
  let issued = 0
  const settings: Pick<VirtualServer, "fault" | "lifetime" | "delay"> = {
    fault: undefined,
    lifetime: initial.lifetime ?? 3600,
    delay: initial.delay ?? 0
  }
  const exchanges = endpoint(
    () => world.elapsed(),
    (): VirtualAnswer =>
      settings.fault ??
      Effect.map(Effect.sleep(settings.delay), () => {
        issued += 1
        return reply(200, { access_token: `token-${issued}`, expires_in: settings.lifetime })
      })
  )
  const { layer } = clientOver<Reply>(
    () => exchanges,
    (request, { body, headers, status }) => synchronousResponse(request, status, body, headers)
  )
  const scope = Effect.runSync(Scope.make())
  const made = world.run(
    TokenProvider.make({ instance, credentials: application, ...options }).pipe(
      Effect.provide(layer),
      Scope.extend(scope)
    )
  )
  if (!Exit.isSuccess(made)) throw new Error("no provider")
  return Object.assign(settings, { tokens: made.value, times: exchanges.received, scope })
}
