/** Effect's own HttpClient with a token that never changes: what ours adds to. */
import { type HttpClient as Client, HttpClient, HttpClientRequest } from "@effect/platform"
import { Effect, type Layer, ManagedRuntime } from "effect"
import type { Adapter, MakeAdapter, RawPage } from "../adapter.ts"
import { callPath, odataPath, pageSize, rowsSet } from "../protocol.ts"
import { effectCalls, jsonOf, repeated } from "./effectCalls.ts"

export const makeOn =
  (transport: Layer.Layer<Client.HttpClient>): MakeAdapter =>
  async (target): Promise<Adapter> => {
    const runtime = ManagedRuntime.make(transport)
    const client = (await runtime.runPromise(HttpClient.HttpClient)).pipe(
      HttpClient.mapRequest(HttpClientRequest.bearerToken(target.staticToken))
    )
    const get = (url: string) => Effect.flatMap(client.get(url), jsonOf)
    const call = get(`${target.origin}${odataPath}${callPath}`)
    return {
      call: () => runtime.runPromise(Effect.asVoid(call)),
      calls: (count, concurrency) => runtime.runPromise(effectCalls(call, count, concurrency)),
      // A constant: what the loop itself costs.
      cachedToken: (count) => runtime.runPromise(repeated(Effect.succeed(target.staticToken), count)),
      rows: (consumer, pause) =>
        runtime.runPromise(
          Effect.gen(function* () {
            let rows = 0
            let url: string | undefined = `${target.origin}${odataPath}${rowsSet}?$top=${pageSize}`
            while (url !== undefined) {
              const page = (yield* get(url)) as RawPage
              rows += page.value.length
              if (consumer !== "fast") yield* Effect.sleep(pause)
              url = page["@odata.nextLink"]
            }
            return rows
          })
        )
    }
  }
