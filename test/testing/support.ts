import { HttpClient, HttpClientRequest } from "@effect/platform"
import { Context, Effect, Either, Layer, Redacted, Schema } from "effect"
import * as Instance from "effect-erpnet/Instance"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as Domain from "../../src/testing/engine/domain.ts"
import type { DomainReply, DomainRequest } from "../../src/testing/model/types.ts"
import * as App from "../../src/testing/server/app.ts"
import * as Memory from "../../src/testing/server/memory.ts"
import { settings } from "../../src/testing/server/options.ts"

export interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export const demo = {
  grant_type: "client_credentials",
  client_id: "my.trusted.app/service",
  client_secret: Redacted.value(ErpNetEmulator.demoSecret)
}

/** Sends a request to a path of the instance (or an absolute URL) and reads the answer as text. */
export const send = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<Got, unknown, ErpNetEmulator.ErpNetEmulator | HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const erp = yield* ErpNetEmulator.ErpNetEmulator
    const client = yield* HttpClient.HttpClient
    const absolute = request.url.startsWith("http")
    const response = yield* client.execute(
      absolute ? request : HttpClientRequest.setUrl(request, erp.origin + request.url)
    )
    return { status: response.status, headers: { ...response.headers }, body: yield* response.text }
  })

export const postToken = (
  form: Readonly<Record<string, string>> | string = demo,
  headers: Readonly<Record<string, string>> = {}
) =>
  HttpClientRequest.post("/id/connect/token").pipe(
    typeof form === "string"
      ? HttpClientRequest.bodyText(form, "application/x-www-form-urlencoded")
      : HttpClientRequest.bodyUrlParams(form),
    HttpClientRequest.setHeaders(headers),
    send
  )

const TokenAnswer = Schema.parseJson(Schema.Struct({ access_token: Schema.String, scope: Schema.String }))

export const issueToken = (form: Readonly<Record<string, string>> = demo) =>
  postToken(form).pipe(
    Effect.flatMap((got) => Schema.decodeUnknown(TokenAnswer)(got.body)),
    Effect.map((answer) => answer.access_token)
  )

export const customers = "/api/domain/odata/Crm_Customers"

/** Calls the API with these headers. */
export const getApi = (headers: Readonly<Record<string, string>>, path = customers) =>
  send(HttpClientRequest.get(path, { headers }))

/** Calls the API with this token. */
export const callApi = (token: string, path = customers) => getApi({ authorization: `Bearer ${token}` }, path)

export const json = (got: Got): unknown => JSON.parse(got.body)

/** As little data as there can be. */
export const small: ErpNetEmulator.Options = { customers: 2, products: 2, salesOrders: 2 }

/** The instance with little data, for tests that look at other things. */
export const layer = (options: ErpNetEmulator.Options = {}) => ErpNetEmulator.layer({ ...small, ...options })

/** The instance in front of another engine. */
export const layerWith = (handle: (request: DomainRequest) => DomainReply, options: ErpNetEmulator.Options = {}) => {
  const app = App.make(settings(options), Either.getOrThrow(Instance.make("testdb")), () => ({
    ...Domain.make(small),
    handle
  }))
  return Layer.succeedContext(
    Context.make(ErpNetEmulator.ErpNetEmulator, app.service).pipe(Context.add(HttpClient.HttpClient, Memory.make(app)))
  )
}
