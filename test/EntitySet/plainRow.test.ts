import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Option, Schema } from "effect"
import { reader } from "../../src/EntitySet/plainRow.ts"

/** Schemas of which the reader reads some itself and leaves others, or parts of them, to the Schema. */
const leaves: ReadonlyArray<Schema.Schema<unknown, unknown>> = [
  Schema.String,
  Schema.Number,
  Schema.Boolean,
  Schema.Null,
  Schema.Unknown,
  Schema.UUID,
  Schema.Int,
  Schema.NonEmptyString,
  Schema.Literal("New", "Released", 3, null),
  Schema.NullOr(Schema.String),
  Schema.NullOr(Schema.Int),
  Schema.UndefinedOr(Schema.Number),
  Schema.Union(Schema.String, Schema.Number, Schema.Boolean),
  Schema.NumberFromString,
  Schema.Date,
  Schema.Trim,
  Schema.NullOr(Schema.NumberFromString),
  Schema.Union(Schema.NumberFromString, Schema.String),
  Schema.String.annotations({ decodingFallback: () => Either.right("fallback") }),
  Schema.Record({ key: Schema.String, value: Schema.Number }),
  Schema.Tuple(Schema.String, Schema.Number)
].map((schema) => Schema.asSchema(schema as Schema.Schema<unknown, unknown>))

// `toString` and `__proto__` are names that every object inherits.
const names = ["Id", "Number", "Name", "toString", "__proto__", "x y"]

const structOf = (
  fields: ReadonlyArray<readonly [name: string, schema: Schema.Schema<unknown, unknown>, isOptional: boolean]>,
  strict: boolean
): Schema.Schema<unknown, unknown> => {
  const members = Object.create(null) as Record<string, Schema.Struct.Field>
  for (const [name, schema, isOptional] of fields) members[name] = isOptional ? Schema.optional(schema) : schema
  const struct = Schema.Struct({ ...members })
  const annotated = strict ? struct.annotations({ parseOptions: { onExcessProperty: "error" } }) : struct
  return Schema.asSchema(annotated as unknown as Schema.Schema<unknown, unknown>)
}

const { schema: schemas } = FastCheck.letrec<{ schema: Schema.Schema<unknown, unknown> }>((tie) => ({
  schema: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.constantFrom(...leaves),
    FastCheck.tuple(
      FastCheck.uniqueArray(FastCheck.tuple(FastCheck.constantFrom(...names), tie("schema"), FastCheck.boolean()), {
        selector: ([name]) => name,
        maxLength: 4
      }),
      FastCheck.integer({ min: 0, max: 9 })
    ).map(([fields, die]) => structOf(fields, die === 0)),
    tie("schema").map((schema) => Schema.asSchema(Schema.Array(schema) as unknown as Schema.Schema<unknown, unknown>)),
    tie("schema").map((schema) => Schema.asSchema(Schema.NullOr(schema))),
    FastCheck.tuple(tie("schema"), tie("schema")).map(([a, b]) => Schema.asSchema(Schema.Union(a, b)))
  )
}))

const { value: values } = FastCheck.letrec((tie) => ({
  value: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.constantFrom("", "New", "12", " a ", "0f8fad5b-d9cb-469f-a165-70867728950e", "2026-01-01"),
    FastCheck.constantFrom(null, undefined, true, 0, 3, 1.5, Number.NaN),
    FastCheck.array(tie("value"), { maxLength: 3 }),
    FastCheck.dictionary(FastCheck.constantFrom(...names, "@odata.id"), tie("value"), { noNullPrototype: true }),
    FastCheck.dictionary(FastCheck.constantFrom(...names), tie("value")).map((own) => Object.create(own))
  )
}))

/** Effect itself cannot compile a union of structs with a literal under a name that every object inherits. */
const compiles = (schema: Schema.Schema<unknown, unknown>): boolean =>
  Either.isRight(Either.try(() => Schema.decodeUnknownEither(schema)))

/** A value made to fit a schema more often than chance does. */
const fitting = schemas
  .filter(compiles)
  .chain((schema) => FastCheck.tuple(FastCheck.constant(schema), FastCheck.oneof(values, sampleOf(schema))))

function sampleOf(schema: Schema.Schema<unknown, unknown>): FastCheck.Arbitrary<unknown> {
  const { ast } = schema
  if (ast._tag !== "TypeLiteral") return values
  return FastCheck.record(
    Object.fromEntries(ast.propertySignatures.map(({ name, type }) => [name, sampleOf(Schema.make(type))]))
  )
}

describe("plain rows", () => {
  it("are read as the Schema decodes them, or left to it", () => {
    let read = 0
    void FastCheck.assert(
      FastCheck.property(fitting, ([schema, value]) => {
        const own = reader(schema)(value)
        if (Option.isNone(own)) return
        read += 1
        const decoded = Schema.decodeUnknownEither(schema)(value)
        if (Either.isLeft(decoded)) return assert.fail(`read what ${schema.ast} refuses`)
        assert.deepStrictEqual(own.value, decoded.right)
        if (typeof own.value === "object" && own.value !== null) {
          assert.deepStrictEqual(Reflect.ownKeys(own.value), Reflect.ownKeys(Object(decoded.right)))
        }
      }),
      { numRuns: 10_000 }
    )
    assert.isAbove(read, 400)
  })

  it("that fit a plain Schema are read, not left", () => {
    const schema = Schema.Struct({
      Id: Schema.UUID,
      Number: Schema.NullOr(Schema.String),
      Lines: Schema.Array(Schema.Struct({ No: Schema.Int, Note: Schema.optional(Schema.String) }))
    })
    const row = {
      "@odata.id": "Crm_Customers(0f8fad5b-d9cb-469f-a165-70867728950e)",
      Id: "0f8fad5b-d9cb-469f-a165-70867728950e",
      Number: null,
      Lines: [{ No: 1 }, { No: 2, Note: "x", More: true }]
    }
    assert.deepStrictEqual(Option.getOrUndefined(reader(schema)(row)), {
      Id: row.Id,
      Number: null,
      Lines: [{ No: 1 }, { No: 2, Note: "x" }]
    })
    for (const wrong of [{ ...row, Id: "x" }, { Id: row.Id }, { ...row, Lines: [{ No: 1.5 }] }, [row], null, "row"]) {
      assert.isTrue(Option.isNone(reader(schema)(wrong)))
    }
  })

  it("with fields that change take the Schema for these alone", () => {
    const schema = Schema.Struct({ Count: Schema.NumberFromString, Name: Schema.String })
    assert.deepStrictEqual(Option.getOrUndefined(reader(schema)({ Count: "12", Name: "a" })), { Count: 12, Name: "a" })
    assert.isTrue(Option.isNone(reader(schema)({ Count: "x", Name: "a" })))
    assert.isTrue(Option.isNone(reader(Schema.Trim)("a")))
  })
})
