/** A copy of the customers of an ERP.net instance in a SQLite file. */
import { SqlClient, SqlSchema } from "@effect/sql"
import { LibsqlClient } from "@effect/sql-libsql"
import { type Chunk, Effect, Option, Schema } from "effect"
import { ComplexType, EntitySet } from "effect-erpnet"
import * as IncrementalPull from "effect-erpnet/IncrementalPull"

export const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    Active: Schema.Boolean,
    CreditLimit: Schema.NullOr(ComplexType.Amount),
    Party: EntitySet.expand(Schema.Struct({ PartyName: ComplexType.MultilanguageString })),
    AggregateLastUpdateTimeUtc: Schema.NullOr(IncrementalPull.Timestamp)
  })
)
export type Customer = EntitySet.Type<typeof Customers>

/** A row of the table. Amounts are kept as text, with every digit. */
const Row = Schema.Struct({
  id: Schema.UUID,
  number: Schema.NullOr(Schema.String),
  name: Schema.NullOr(Schema.String),
  active: Schema.transform(Schema.Number, Schema.Boolean, {
    strict: true,
    decode: (bit) => bit === 1,
    encode: (active) => (active ? 1 : 0)
  }),
  creditLimit: Schema.NullOr(Schema.BigDecimal),
  currency: Schema.NullOr(Schema.String),
  updatedAt: Schema.NullOr(IncrementalPull.Timestamp)
})
export type Row = typeof Row.Type

export const toRow = (customer: Customer): Row => ({
  id: customer.Id,
  number: customer.Number,
  name: ComplexType.getText(customer.Party.PartyName, "EN") ?? null,
  active: customer.Active,
  creditLimit: customer.CreditLimit?.Value ?? null,
  currency: customer.CreditLimit?.Currency ?? null,
  updatedAt: customer.AggregateLastUpdateTimeUtc
})

/** The SQLite file; it is made where there is none. */
export const layer = (file: string) => LibsqlClient.layer({ url: `file:${file}` })

const createTables = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, number TEXT, name TEXT, active INTEGER NOT NULL, creditLimit TEXT, currency TEXT, updatedAt TEXT
  )`
  yield* sql`CREATE TABLE IF NOT EXISTS watermarks (entitySet TEXT PRIMARY KEY, watermark TEXT NOT NULL)`
})

const load = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const find = SqlSchema.findOne({
    Request: Schema.String,
    Result: Schema.Struct({ watermark: IncrementalPull.Timestamp }),
    execute: (name) => sql`SELECT watermark FROM watermarks WHERE entitySet = ${name}`
  })
  return Option.getOrUndefined(Option.map(yield* find(Customers.name), (row) => row.watermark))
})

const save = (watermark: IncrementalPull.Timestamp) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`INSERT OR REPLACE INTO watermarks ${sql.insert({ entitySet: Customers.name, watermark })}`
  )

const lastApplied = (ids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const find = SqlSchema.findAll({
      Request: Schema.Array(Schema.String),
      Result: Row.pick("id", "updatedAt"),
      execute: (ids) => sql`SELECT id, updatedAt FROM customers WHERE ${sql.in("id", ids)}`
    })
    return new Map((yield* find(ids)).map((row) => [row.id, row.updatedAt]))
  })

// One statement: the rows of a chunk are written all together or not at all.
const apply = (customers: Chunk.NonEmptyChunk<Customer>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* Schema.encode(Schema.Array(Row))([...customers].map(toRow))
    yield* sql`INSERT OR REPLACE INTO customers ${sql.insert(rows)}`
  })

/** Everything that the copy holds, by id. */
export const rows = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const find = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Row,
    execute: () => sql`SELECT * FROM customers ORDER BY id`
  })
  yield* createTables
  return yield* find()
})

/** Brings the copy up to date. Broken off at any moment, it goes on with what is missing when it is run again. */
export const sync = (onProgress?: (progress: IncrementalPull.Progress) => Effect.Effect<unknown>) =>
  Effect.zipRight(
    createTables,
    IncrementalPull.run(Customers, {
      watermark: { load, save },
      apply,
      lastApplied,
      count: true,
      onProgress
    })
  )
