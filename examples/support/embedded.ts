/** An embedded ERP.net instance on a loopback port, and the services of the library bound to it. */
import { NodeHttpClient } from "@effect/platform-node"
import { type ConfigError, Effect, Layer } from "effect"
import { ErpNet, type ErpNetError } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"

/** Stands in for `ErpNet.layerConfig()`; a demo also steers the instance through `ErpNetEmulator`. */
export const layer = (
  serve: ErpNetEmulator.ServeOptions = {},
  options: ErpNet.ServiceOptions = {}
): Layer.Layer<
  ErpNet.Services | ErpNetEmulator.ErpNetEmulator,
  ErpNetError.InvalidInstance | ErpNetEmulator.ServeError
> =>
  Layer.unwrapEffect(
    Effect.map(ErpNetEmulator.ErpNetEmulator, ({ instance }) =>
      ErpNet.layer({
        ...options,
        instance,
        credentials: { ...ErpNetEmulator.demoCredentials, scopes: ["read"] }
      })
    )
  ).pipe(Layer.provideMerge(ErpNetEmulator.serve(serve)), Layer.provide(NodeHttpClient.layerUndici))

/** Whether the environment names a real instance. */
export const hasSettings: boolean = ["ERPNET_INSTANCE", "ERPNET_CLIENT_ID", "ERPNET_CLIENT_SECRET"].some(
  (name) => process.env[name] !== undefined
)

/** The instance of the settings where there are some, else an embedded one. */
export const layerOrConfig: Layer.Layer<
  ErpNet.Services,
  ConfigError.ConfigError | ErpNetError.InvalidApplication | ErpNetError.InvalidInstance | ErpNetEmulator.ServeError
> = hasSettings ? Layer.provide(ErpNet.layerConfig(), NodeHttpClient.layerUndici) : layer()
