import { Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import * as Filter from "effect-erpnet/Filter"
import * as Query from "effect-erpnet/Query"

const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({
    "@odata.id": ComplexType.EntityId,
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    CreationTime: Schema.NullOr(Schema.DateTimeUtc)
  })
)

Query.render(Customers, {
  top: 10,
  skip: 5,
  filter: Filter.eq("Number", "x"),
  orderBy: ["Number", ["CreationTime", "desc"]],
  search: "x",
  options: ["skipnulls"],
  headers: { "x-y": "z" },
  context: { enterpriseCompany: "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4" }
})

// A filter made elsewhere, and a function that works for every set.
const byNumber = (number: string) => Filter.eq("Number", number)
Query.render(Customers, { filter: byNumber("x") })
const first = <A, I>(set: EntitySet.EntitySet<A, I>, query: Query.Query<A, I>) =>
  Query.render(set, { ...query, top: 1 })
first(Customers, { orderBy: ["Number"] })

// @ts-expect-error no such field
Query.render(Customers, { filter: Filter.eq("Nope", 1) })
// @ts-expect-error a wrong value
Query.render(Customers, { filter: Filter.eq("Number", 1) })
// @ts-expect-error no such field to order by
Query.render(Customers, { orderBy: ["Nope"] })
// @ts-expect-error no such direction
Query.render(Customers, { orderBy: [["Number", "down"]] })
// @ts-expect-error an annotation is not a field
Query.render(Customers, { orderBy: ["@odata.id"] })
// @ts-expect-error no such option
Query.render(Customers, { select: ["Id"] })
