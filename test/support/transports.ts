/** The three HTTP layers, as users provide them. */
import { FetchHttpClient, type HttpClient } from "@effect/platform"
import { NodeHttpClient, Undici } from "@effect/platform-node"
import { Effect, Layer } from "effect"

export interface Transport {
  readonly name: "fetch" | "undici" | "node"
  readonly layer: Layer.Layer<HttpClient.HttpClient>
  /** The same with one connection for each server, kept alive. */
  readonly oneConnection: Layer.Layer<HttpClient.HttpClient>
}

const oneConnection = Effect.acquireRelease(
  Effect.sync(() => new Undici.Agent({ connections: 1, pipelining: 1 })),
  (agent) => Effect.promise(() => agent.destroy())
)

// Built-in fetch takes no agent of another undici, so this one brings its own.
const fetchOneConnection = Layer.unwrapScoped(
  Effect.map(oneConnection, (dispatcher) =>
    FetchHttpClient.layer.pipe(
      Layer.provide(
        Layer.succeed(FetchHttpClient.Fetch, ((input: string, init: object) =>
          Undici.fetch(input, { ...init, dispatcher })) as unknown as typeof fetch)
      )
    )
  )
)

export const transports: ReadonlyArray<Transport> = [
  { name: "fetch", layer: FetchHttpClient.layer, oneConnection: fetchOneConnection },
  {
    name: "undici",
    layer: NodeHttpClient.layerUndici,
    oneConnection: Layer.provide(
      NodeHttpClient.layerUndiciWithoutDispatcher,
      Layer.scoped(NodeHttpClient.Dispatcher, oneConnection)
    )
  },
  {
    name: "node",
    layer: NodeHttpClient.layer,
    oneConnection: Layer.provide(
      NodeHttpClient.layerWithoutAgent,
      NodeHttpClient.makeAgentLayer({ keepAlive: true, maxSockets: 1 })
    )
  }
]
