import { HttpClient, type HttpClientError, type HttpClientResponse } from "@effect/platform"
import { Effect, type Layer, Schedule, type Scope } from "effect"
import { AuthorizedClient, type ErpNetError, type TokenProvider } from "effect-erpnet"
import { describe, expectTypeOf, test } from "vitest"

/** The documented union, written out. */
type Documented =
  | ErpNetError.InvalidClient
  | ErpNetError.UnauthorizedClient
  | ErpNetError.InvalidScope
  | ErpNetError.InvalidGrant
  | ErpNetError.TokenRequestRejected
  | ErpNetError.TokenEndpointUnavailable
  | ErpNetError.TokenResponseInvalid
  | ErpNetError.Expired
  | ErpNetError.SignInRequired
  | ErpNetError.Unauthorized
  | ErpNetError.ForeignOrigin
  | HttpClientError.RequestError
  | HttpClientError.ResponseError

declare const client: HttpClient.HttpClient.With<AuthorizedClient.AuthorizedClientError>

describe("AuthorizedClient", () => {
  test("fails with exactly the documented union", () => {
    expectTypeOf<AuthorizedClient.AuthorizedClientError>().toEqualTypeOf<Documented>()
    expectTypeOf<AuthorizedClient.AuthorizedClientError["_tag"]>().toEqualTypeOf<
      | "InvalidClient"
      | "UnauthorizedClient"
      | "InvalidScope"
      | "InvalidGrant"
      | "TokenRequestRejected"
      | "TokenEndpointUnavailable"
      | "TokenResponseInvalid"
      | "Expired"
      | "SignInRequired"
      | "Unauthorized"
      | "ForeignOrigin"
      | "RequestError"
      | "ResponseError"
    >()
  })

  test("each method is an Effect of a response that needs nothing", () => {
    type Call = Effect.Effect<HttpClientResponse.HttpClientResponse, Documented>
    expectTypeOf(client.get("x")).toEqualTypeOf<Call>()
    expectTypeOf(client.post("x")).toEqualTypeOf<Call>()
    expectTypeOf(client.patch("x")).toEqualTypeOf<Call>()
    expectTypeOf(client.del("x")).toEqualTypeOf<Call>()
    expectTypeOf(client.execute).returns.toEqualTypeOf<Call>()
  })

  test("make needs a token provider and a transport, and no scope", () => {
    expectTypeOf(AuthorizedClient.make).returns.toEqualTypeOf<
      Effect.Effect<
        HttpClient.HttpClient.With<AuthorizedClient.AuthorizedClientError>,
        never,
        TokenProvider.TokenProvider | HttpClient.HttpClient
      >
    >()
    expectTypeOf<Effect.Effect.Context<ReturnType<typeof AuthorizedClient.make>>>().not.toEqualTypeOf<
      TokenProvider.TokenProvider | HttpClient.HttpClient | Scope.Scope
    >()
    expectTypeOf(AuthorizedClient.layer).returns.toEqualTypeOf<
      Layer.Layer<AuthorizedClient.AuthorizedClient, never, TokenProvider.TokenProvider | HttpClient.HttpClient>
    >()
  })

  test("the service is not the HttpClient of the platform: what needs the one does not get the other", () => {
    expectTypeOf<AuthorizedClient.AuthorizedClient["Type"]>().toEqualTypeOf<typeof client>()
    const program = Effect.flatMap(HttpClient.HttpClient, (http) => http.get("https://testdb.my.erp.net/"))
    const layer = AuthorizedClient.layer()
    expectTypeOf(Effect.provide(program, layer)).toEqualTypeOf<
      Effect.Effect<
        HttpClientResponse.HttpClientResponse,
        HttpClientError.HttpClientError,
        TokenProvider.TokenProvider | HttpClient.HttpClient
      >
    >()
    // @ts-expect-error its errors are more than a platform client may have
    expectTypeOf(client).toExtend<HttpClient.HttpClient>()
  })

  test("errors are caught by tag, one by one", () => {
    const caught = client.get("x").pipe(
      Effect.catchTags({
        Unauthorized: (error) => Effect.succeed(error.errorDescription),
        Expired: (error) => Effect.succeed(error.errorDescription),
        ForeignOrigin: (error) => Effect.succeed(error.origin)
      })
    )
    expectTypeOf<Effect.Effect.Error<typeof caught>>().toEqualTypeOf<
      Exclude<Documented, { readonly _tag: "Unauthorized" | "Expired" | "ForeignOrigin" }>
    >()
    // @ts-expect-error no such error
    client.get("x").pipe(Effect.catchTag("NotFound", () => Effect.void))
  })

  test("options", () => {
    expectTypeOf<Parameters<typeof AuthorizedClient.make>[0]>().toEqualTypeOf<AuthorizedClient.Options | undefined>()
    AuthorizedClient.make({})
    AuthorizedClient.make({ retryUnauthorized: undefined, tracePropagation: undefined })
    AuthorizedClient.make({ retryUnauthorized: Schedule.exponential("1 second") })
    AuthorizedClient.make({
      retryUnauthorized: Schedule.recurWhile(
        (error: ErpNetError.Unauthorized | ErpNetError.Expired) => error._tag === "Expired"
      )
    })
    // @ts-expect-error a schedule that needs something of the context
    AuthorizedClient.make({ retryUnauthorized: Schedule.recurs(1) as Schedule.Schedule<number, unknown, Scope.Scope> })
    // @ts-expect-error a number is no schedule
    AuthorizedClient.make({ retryUnauthorized: 3 })
    // @ts-expect-error no such option
    AuthorizedClient.make({ retries: 3 })
  })
})
