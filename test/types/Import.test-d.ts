import { type Chunk, type Effect, type Either, Schema, type Sink, Stream } from "effect"
import { ComplexType, type DomainApi, type EntityInput, EntitySet, type ErpNetError, Import } from "effect-erpnet"
import { expectTypeOf } from "vitest"

const Products = EntitySet.make(
  "General_Products_Products",
  Schema.Struct({
    ExternalId: Schema.NullOr(Schema.String),
    PartNumber: Schema.String,
    ProductGroup: EntitySet.expand(Schema.Struct({ Code: Schema.String })),
    MeasurementUnit: ComplexType.Reference
  })
)
type Input = EntityInput.EntityInput<EntitySet.Type<typeof Products>>

declare class FileError {
  readonly _tag: "FileError"
}
declare class File {
  readonly _tag: "File"
}
declare const rows: Stream.Stream<{ readonly PartNumber: string }, FileError, File>
declare const inputs: Stream.Stream<Input>
declare const typed: Stream.Stream<{ readonly "@odata.type": string; readonly PartNumber: string }>

const type = "Erp.General_Products_Product"

// The results hold the rows as they are; the errors and needs are those of the source and of a change.
expectTypeOf(Import.run(Products, rows, { type })).toEqualTypeOf<
  Stream.Stream<
    Import.Result<{ readonly PartNumber: string }>,
    FileError | Import.ImportError,
    File | DomainApi.DomainApi
  >
>()
expectTypeOf(Import.run(Products, inputs, { type })).toEqualTypeOf<
  Stream.Stream<Import.Result<Input>, Import.ImportError, DomainApi.DomainApi>
>()
expectTypeOf<Import.Result<Input>["outcome"]>().toEqualTypeOf<
  Either.Either<
    { readonly id: ComplexType.EntityId | undefined; readonly state: "Added" | "Modified" | "Deleted" | "Unchanged" },
    ErpNetError.ImportFailure | ErpNetError.InvalidValue | ErpNetError.ResponseInvalid
  >
>()

// The type may be left out only where every row has its own.
Import.run(Products, typed, {})
Import.run(Products, typed, { type })
// @ts-expect-error: no row has one
Import.run(Products, rows, {})
// @ts-expect-error: not every row need have one
Import.run(Products, inputs, {})
// @ts-expect-error: some rows have none
Import.run(Products, Stream.merge(typed, rows), {})

// Rows are those of the set, with their annotations.
Import.run(Products, Stream.make({ ExternalId: null, ProductGroup: { Code: "A" } }), { type })
Import.run(
  Products,
  Stream.make({ PartNumber: "A", "@erpnet.action": "delete" as const, "@erpnet.findBy": { Code: "A" } }),
  {
    type
  }
)
// @ts-expect-error: a part number is a text
Import.run(Products, Stream.make({ PartNumber: 1 }), { type })
// @ts-expect-error: a part number cannot be empty
Import.run(Products, Stream.make({ PartNumber: null }), { type })
// @ts-expect-error: a group has a code
Import.run(Products, Stream.make({ ProductGroup: { Code: 1 } }), { type })
// @ts-expect-error: a reference is an EntityId
Import.run(Products, Stream.make({ MeasurementUnit: "General_Products_MeasurementUnits(1)" }), { type })
// @ts-expect-error: no such action
Import.run(Products, Stream.make({ PartNumber: "A", "@erpnet.action": "upsert" as const }), { type })
// @ts-expect-error: nothing that the set knows
Import.run(Products, Stream.make({ PartNumer: "A" }), { type })
// @ts-expect-error: rows, not a list of them
Import.run(Products, [{ PartNumber: "A" }], { type })

// @ts-expect-error: no such action
Import.run(Products, rows, { type, action: "upsert" })
// @ts-expect-error: no such model
Import.run(Products, rows, { type, model: "backend" })
// @ts-expect-error: no such transaction
Import.run(Products, rows, { type, transaction: "all" })
// @ts-expect-error: no such level
Import.run(Products, rows, { type, loggingLevel: 3 })
// @ts-expect-error: an Effect, not a plain callback
Import.run(Products, rows, { type, onProgress: ({ processed }) => console.log(processed) })

// A lost answer is caught by the tag of OutcomeUnknown, and says which rows.
expectTypeOf<
  Extract<Import.ImportError, { readonly _tag: "OutcomeUnknown" }>
>().toEqualTypeOf<ErpNetError.ImportOutcomeUnknown>()
expectTypeOf<ErpNetError.ImportOutcomeUnknown>().toExtend<ErpNetError.OutcomeUnknown>()
expectTypeOf<ErpNetError.ImportOutcomeUnknown>().toExtend<{ readonly firstRow: number; readonly lastRow: number }>()

expectTypeOf(Import.run(Products, rows, { type }).pipe(Stream.run(Import.summarize()))).toEqualTypeOf<
  Effect.Effect<
    Import.Summary<{ readonly PartNumber: string }>,
    FileError | Import.ImportError,
    File | DomainApi.DomainApi
  >
>()
expectTypeOf(Import.summarize<string>({ failures: 3 })).toEqualTypeOf<
  Sink.Sink<Import.Summary<string>, Import.Result<string>>
>()
expectTypeOf(Stream.runCollect(Import.run(Products, typed, {}))).toEqualTypeOf<
  Effect.Effect<
    Chunk.Chunk<Import.Result<{ readonly "@odata.type": string; readonly PartNumber: string }>>,
    Import.ImportError,
    DomainApi.DomainApi
  >
>()
