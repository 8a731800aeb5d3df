import { type Chunk, Effect, Schema } from "effect"
import { ComplexType, type DomainApi, EntitySet, Filter } from "effect-erpnet"
import * as IncrementalPull from "effect-erpnet/IncrementalPull"
import { expectTypeOf } from "vitest"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Id: Schema.UUID.pipe(Schema.brand("CustomerId")),
    Active: Schema.Boolean,
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    AggregateLastUpdateTimeUtc: Schema.NullOr(IncrementalPull.Timestamp)
  })
)
type Customer = EntitySet.Type<typeof Customers>

declare const time: IncrementalPull.Timestamp
declare class DbError {
  readonly _tag: "DbError"
}
declare class FileError {
  readonly _tag: "FileError"
}
declare class LookupError {
  readonly _tag: "LookupError"
}
declare class Db {
  readonly _tag: "Db"
}
declare class File {
  readonly _tag: "File"
}
declare const load: Effect.Effect<IncrementalPull.Timestamp | undefined, FileError, File>
declare const save: (time: IncrementalPull.Timestamp) => Effect.Effect<void, FileError, File>
declare const apply: (rows: Chunk.NonEmptyChunk<Customer>) => Effect.Effect<number, DbError, Db>

const watermark = { load: Effect.succeed(undefined), save: () => Effect.void }

// Nothing but reading can fail where the callbacks cannot; the rows of apply are inferred.
expectTypeOf(
  IncrementalPull.run(Customers, {
    watermark,
    apply: (rows) => {
      expectTypeOf(rows).toEqualTypeOf<Chunk.NonEmptyChunk<Customer>>()
      return Effect.void
    }
  })
).toEqualTypeOf<Effect.Effect<IncrementalPull.Summary, DomainApi.DomainApiError, DomainApi.DomainApi>>()

// The errors and needs of each callback come out.
expectTypeOf(
  IncrementalPull.run(Customers, {
    watermark: { load, save },
    apply,
    lastApplied: (ids) => {
      expectTypeOf(ids).toEqualTypeOf<ReadonlyArray<string>>()
      return Effect.fail(new LookupError())
    }
  })
).toEqualTypeOf<
  Effect.Effect<
    IncrementalPull.Summary,
    DomainApi.DomainApiError | DbError | FileError | LookupError,
    DomainApi.DomainApi | Db | File
  >
>()

// A store that cannot fail to load may fail to save.
expectTypeOf(
  IncrementalPull.run(Customers, { watermark: { load: Effect.succeed(time), save }, apply: () => Effect.void })
).toEqualTypeOf<
  Effect.Effect<IncrementalPull.Summary, DomainApi.DomainApiError | FileError, DomainApi.DomainApi | File>
>()

// The caller's filter is typed by the rows.
IncrementalPull.run(Customers, { watermark, apply, query: { filter: Filter.eq("Active", true) } })
// @ts-expect-error no such field
IncrementalPull.run(Customers, { watermark, apply, query: { filter: Filter.eq("Name", true) } })
// @ts-expect-error an order would make pages overlap
IncrementalPull.run(Customers, { watermark, apply, query: { orderBy: ["Active"] } })

// Text that nobody looked at is no watermark.
// @ts-expect-error a plain string
IncrementalPull.run(Customers, { watermark: { load: Effect.succeed("2026-01-01"), save: () => Effect.void }, apply })

const run = <A extends IncrementalPull.Row, I extends IncrementalPull.EncodedRow>(set: EntitySet.EntitySet<A, I>) =>
  IncrementalPull.run(set, { watermark, apply: () => Effect.void })
run(Customers)
// @ts-expect-error a Date has lost digits
run(EntitySet.make("X", Schema.Struct({ Id: Schema.UUID, AggregateLastUpdateTimeUtc: Schema.NullOr(Schema.Date) })))
// @ts-expect-error the time is not read
run(EntitySet.make("X", Schema.Struct({ Id: Schema.UUID })))
// @ts-expect-error the id is not read
run(EntitySet.make("X", Schema.Struct({ AggregateLastUpdateTimeUtc: IncrementalPull.Timestamp })))
// A server that always knows the time is as good.
run(EntitySet.make("X", Schema.Struct({ Id: Schema.String, AggregateLastUpdateTimeUtc: IncrementalPull.Timestamp })))
