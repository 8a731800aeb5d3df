import type { HttpClient } from "@effect/platform"
import { type BigDecimal, type ConfigError, Effect, type Layer, type Option, Schema, type Stream } from "effect"
import {
  type AuthorizedClient,
  ComplexType,
  DomainApi,
  EntitySet,
  ErpNet,
  type ErpNetError,
  Filter,
  type Query,
  type TokenProvider,
  type TrustedApplication
} from "effect-erpnet"
import { expectTypeOf } from "vitest"

const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    Active: Schema.Boolean,
    CreationTime: Schema.Date,
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    Party: EntitySet.expand(Schema.Struct({ PartyName: ComplexType.MultilanguageString }))
  })
)

interface Customer {
  readonly Id: string
  readonly Number: string | null
  readonly Active: boolean
  readonly CreationTime: Date
  readonly CreditLimit: ComplexType.Amount<BigDecimal.BigDecimal> | null
  readonly Party: { readonly PartyName: ComplexType.MultilanguageString }
}

type Failure = DomainApi.DomainApiError
type Needs = DomainApi.DomainApi

// Rows, errors and requirements follow with no annotation.
expectTypeOf(DomainApi.list(Customers)).toEqualTypeOf<Effect.Effect<ReadonlyArray<Customer>, Failure, Needs>>()
expectTypeOf(DomainApi.stream(Customers)).toEqualTypeOf<Stream.Stream<Customer, Failure, Needs>>()
expectTypeOf(DomainApi.get(Customers, "")).toEqualTypeOf<Effect.Effect<Customer, Failure, Needs>>()
expectTypeOf(DomainApi.find(Customers, "")).toEqualTypeOf<Effect.Effect<Option.Option<Customer>, Failure, Needs>>()
expectTypeOf(DomainApi.count(Customers)).toEqualTypeOf<Effect.Effect<number, Failure, Needs>>()
expectTypeOf(DomainApi.currentName("")).toEqualTypeOf<Effect.Effect<string, Failure, Needs>>()
expectTypeOf(DomainApi.request("GetVersion", Schema.Struct({ version: Schema.String }))).toEqualTypeOf<
  Effect.Effect<{ readonly version: string }, Failure, Needs>
>()

// The error channel, spelt out.
expectTypeOf<Failure["_tag"]>().toEqualTypeOf<
  | ErpNetError.TokenError["_tag"]
  | "Unauthorized"
  | "ForeignOrigin"
  | "Unreachable"
  | "Forbidden"
  | "NotFound"
  | "RateLimited"
  | "LicenseUnavailable"
  | "EntityRenamed"
  | "ValidationFailed"
  | "DuplicateKey"
  | "ServerError"
  | "ResponseInvalid"
  | "PagingLoop"
  | "TooManyRows"
  | "InvalidQuery"
>()
Effect.catchTags(DomainApi.list(Customers), {
  RateLimited: (error) => {
    expectTypeOf(error).toEqualTypeOf<ErpNetError.RateLimited>()
    return Effect.succeed([])
  },
  // @ts-expect-error no such error
  RequestError: () => Effect.succeed([])
})

// A schema that needs a service passes the need on.
interface Rates {
  readonly rate: number
}
declare const NeedsRates: Schema.Schema<number, string, Rates>
expectTypeOf(DomainApi.request("x", NeedsRates)).toEqualTypeOf<Effect.Effect<number, Failure, Needs | Rates>>()

// What fits.
DomainApi.list(Customers, {
  top: 10,
  skip: 5,
  orderBy: ["Number", ["CreationTime", "desc"]],
  search: "a",
  options: ["skipnulls"],
  headers: { "accept-language": "de" },
  context: { enterpriseCompany: "" },
  filter: Filter.and(
    Filter.eq("Active", true),
    Filter.ge("CreationTime", new Date(0)),
    Filter.in("Number", ["1", "2"]),
    Filter.ge("CreditLimit", 1000)
  )
})
DomainApi.stream(Customers, { filter: Filter.startsWith("Number", "1") })
DomainApi.count(Customers, { filter: Filter.eq("Id", ""), search: "a" })
declare const entityId: ComplexType.EntityId
DomainApi.get(Customers, entityId, { options: ["skipnulls"], headers: {}, context: {} })
declare const query: Query.Query<EntitySet.Type<typeof Customers>, (typeof Customers)["schema"]["Encoded"]>
DomainApi.list(Customers, query)

// What does not.
// @ts-expect-error no such field
DomainApi.list(Customers, { filter: Filter.eq("Nummer", "1") })
// @ts-expect-error the field holds booleans
DomainApi.list(Customers, { filter: Filter.eq("Active", "true") })
// @ts-expect-error the field holds dates
DomainApi.stream(Customers, { filter: Filter.ge("CreationTime", "today") })
// @ts-expect-error one of the two does not fit
DomainApi.count(Customers, { filter: Filter.and(Filter.eq("Active", true), Filter.eq("Number", 1)) })
// @ts-expect-error no text to search in
DomainApi.stream(Customers, { filter: Filter.contains("Active", "t") })
// @ts-expect-error no such field
DomainApi.list(Customers, { orderBy: ["Nummer"] })
// @ts-expect-error no such direction
DomainApi.list(Customers, { orderBy: [["Number", "down"]] })
// @ts-expect-error a number is asked for
DomainApi.stream(Customers, { top: "10" })
// @ts-expect-error there is no such option
DomainApi.list(Customers, { limit: 10 })
// @ts-expect-error a count has no order
DomainApi.count(Customers, { orderBy: ["Number"] })
// @ts-expect-error one entity is not filtered
DomainApi.get(Customers, "", { filter: Filter.eq("Active", true) })
// @ts-expect-error an id is a text or an EntityId
DomainApi.find(Customers, 1)
// @ts-expect-error an entity set, not a name
DomainApi.list("Crm_Customers")

// Layers.
declare const credentials: TrustedApplication.TrustedApplication
expectTypeOf(DomainApi.layer()).toEqualTypeOf<
  Layer.Layer<DomainApi.DomainApi, never, TokenProvider.TokenProvider | HttpClient.HttpClient>
>()
expectTypeOf(ErpNet.layer({ instance: "testdb", credentials })).toEqualTypeOf<
  Layer.Layer<
    DomainApi.DomainApi | AuthorizedClient.AuthorizedClient | TokenProvider.TokenProvider,
    ErpNetError.InvalidInstance,
    HttpClient.HttpClient
  >
>()
expectTypeOf(ErpNet.layerConfig()).toEqualTypeOf<
  Layer.Layer<
    DomainApi.DomainApi | AuthorizedClient.AuthorizedClient | TokenProvider.TokenProvider,
    ConfigError.ConfigError | ErpNetError.InvalidInstance | ErpNetError.InvalidApplication,
    HttpClient.HttpClient
  >
>()
