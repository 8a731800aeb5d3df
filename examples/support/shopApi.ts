/** What the clients of the service in 06 see: its endpoints and its errors, shared by the server and by its callers. */
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "@effect/platform"
import { Schema } from "effect"

export class Customer extends Schema.Class<Customer>("Customer")({
  id: Schema.UUID,
  number: Schema.NullOr(Schema.String),
  name: Schema.NullOr(Schema.String)
}) {}

export class CustomerNotFound extends Schema.TaggedError<CustomerNotFound>()(
  "CustomerNotFound",
  { id: Schema.UUID },
  HttpApiSchema.annotations({ status: 404 })
) {}

export class ErpBusy extends Schema.TaggedError<ErpBusy>()(
  "ErpBusy",
  { retryAfterSeconds: Schema.Number },
  HttpApiSchema.annotations({ status: 503 })
) {}

/** Has no details: a wrong secret or a missing scope concerns the operator of the service only. */
export class ErpFailed extends Schema.TaggedError<ErpFailed>()(
  "ErpFailed",
  {},
  HttpApiSchema.annotations({ status: 502 })
) {}

const ListQuery = Schema.Struct({
  active: Schema.optional(Schema.BooleanFromString),
  top: Schema.optional(Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 100)))
})

export const ShopApi = HttpApi.make("shop").add(
  HttpApiGroup.make("customers")
    .add(HttpApiEndpoint.get("list", "/customers").setUrlParams(ListQuery).addSuccess(Schema.Array(Customer)))
    .add(
      HttpApiEndpoint.get("get", "/customers/:id")
        .setPath(Schema.Struct({ id: Schema.UUID }))
        .addSuccess(Customer)
        .addError(CustomerNotFound)
    )
    .addError(ErpBusy)
    .addError(ErpFailed)
)
