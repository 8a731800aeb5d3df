import { type Effect, type Either, Schema } from "effect"
import { Batch, ComplexType, DomainApi, EntitySet, type ErpNetError } from "effect-erpnet"
import { expectTypeOf } from "vitest"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({ Id: Schema.UUID, Number: Schema.NullOr(Schema.String), Party: ComplexType.Reference })
)

interface Customer {
  readonly Id: string
  readonly Number: string | null
  readonly Party: ComplexType.EntityId
}

type Nothing = ReturnType<() => void>

const operations = {
  one: Batch.get(Customers, ""),
  all: Batch.list(Customers, { orderBy: ["Number"] }),
  changes: Batch.changeset({
    made: Batch.create(Customers, { Number: "1" }),
    changed: Batch.update(Customers, Batch.reference("made"), { Number: null }),
    gone: Batch.remove(Customers, "")
  })
}

// Each result has the type of its operation.
expectTypeOf(DomainApi.batch(operations)).toEqualTypeOf<
  Effect.Effect<
    {
      readonly one: Either.Either<Customer, DomainApi.DomainApiError>
      readonly all: Either.Either<ReadonlyArray<Customer>, DomainApi.DomainApiError>
      readonly changes: Either.Either<
        { readonly made: ComplexType.EntityId; readonly changed: Nothing; readonly gone: Nothing },
        ErpNetError.ChangesetFailed | ErpNetError.ResponseInvalid
      >
    },
    DomainApi.WriteError,
    DomainApi.DomainApi
  >
>()

// @ts-expect-error a change stands in a changeset only
DomainApi.batch({ made: Batch.create(Customers, { Number: "1" }) })

// @ts-expect-error a changeset holds no reads
Batch.changeset({ one: Batch.get(Customers, "") })

// @ts-expect-error no such field
Batch.create(Customers, { Numero: "1" })

// @ts-expect-error a field of another type
Batch.update(Customers, "", { Number: 1 })

// @ts-expect-error a reference to an earlier operation is a target, not a value
Batch.create(Customers, { Party: Batch.reference("party") })

// An operation is the same value that DomainApi runs, with headers of its own.
Batch.list(Customers, { headers: {} })

// @ts-expect-error no such field to order by
Batch.list(Customers, { orderBy: ["Numero"] })

// Joining lookups changes neither the result nor the errors.
expectTypeOf(DomainApi.get(Customers, "", { coalesce: true })).toEqualTypeOf<
  Effect.Effect<Customer, DomainApi.DomainApiError, DomainApi.DomainApi>
>()

// @ts-expect-error the window is an option of the layer
DomainApi.get(Customers, "", { coalesce: { window: 1 } })
