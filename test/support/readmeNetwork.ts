import { readFile } from "node:fs/promises"
import { Config, Effect, Layer, Redacted } from "effect"
import { ErpNet } from "effect-erpnet"
import { NodeTransport } from "effect-erpnet/node"

// Follows HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
export const ThroughTheProxy = ErpNet.layerConfig().pipe(Layer.provide(NodeTransport.layer()))

// A proxy of your own (user name and password are in its address), a private CA, a client certificate.
export const Company = Layer.unwrapEffect(
  Effect.gen(function* () {
    const file = (name: string) => Effect.promise(() => readFile(name, "utf8"))
    return NodeTransport.layer({
      proxy: yield* Config.redacted("COMPANY_PROXY"),
      ca: yield* file(yield* Config.string("COMPANY_CA")),
      clientCertificate: {
        cert: yield* file(yield* Config.string("CLIENT_CERTIFICATE")),
        key: Redacted.make(yield* file(yield* Config.string("CLIENT_KEY")))
      }
    })
  })
)

export const WithCertificates = ErpNet.layerConfig().pipe(Layer.provide(Company))
