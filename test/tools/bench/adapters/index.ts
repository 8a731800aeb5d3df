/** The adapters by name; each is loaded by the process that measures it, and by no other. */
import type { MakeAdapter } from "../adapter.ts"

/** The names in the order of the tables, with what a table calls them. */
export const adapters = {
  floor: "floor: undici Pool, static token",
  fetchStatic: "fetch, static token",
  openidClient: "openid-client",
  simpleOauth2: "simple-oauth2",
  badgateway: "@badgateway/oauth2-client",
  effectFetch: "Effect HttpClient (fetch), static token",
  effectUndici: "Effect HttpClient (undici), static token",
  oursFetch: "effect-erpnet (fetch)",
  oursUndici: "effect-erpnet (undici)",
  oursDomain: "effect-erpnet (undici), DomainApi.list"
}

export type AdapterName = keyof typeof adapters

export const isAdapterName = (name: string): name is AdapterName => Object.hasOwn(adapters, name)

/** Loads an adapter, and the transport of those that take one. */
export const load = async (name: AdapterName): Promise<MakeAdapter> => {
  switch (name) {
    case "floor":
      return (await import("./floor.ts")).make
    case "fetchStatic":
      return (await import("./fetchStatic.ts")).make
    case "openidClient":
      return (await import("./openidClient.ts")).make
    case "simpleOauth2":
      return (await import("./simpleOauth2.ts")).make
    case "badgateway":
      return (await import("./badgateway.ts")).make
    case "effectFetch":
      return (await import("./effectBare.ts")).makeOn((await import("@effect/platform")).FetchHttpClient.layer)
    case "effectUndici":
      return (await import("./effectBare.ts")).makeOn(
        (await import("@effect/platform-node")).NodeHttpClient.layerUndici
      )
    case "oursFetch":
      return (await import("./ours.ts")).makeOn((await import("@effect/platform")).FetchHttpClient.layer)
    case "oursUndici":
      return (await import("./ours.ts")).makeOn((await import("@effect/platform-node")).NodeHttpClient.layerUndici)
    case "oursDomain":
      return (await import("./ours.ts")).makeOn(
        (await import("@effect/platform-node")).NodeHttpClient.layerUndici,
        "domain"
      )
  }
}
