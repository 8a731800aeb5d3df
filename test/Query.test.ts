import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import * as ComplexType from "effect-erpnet/ComplexType"
import * as EntitySet from "effect-erpnet/EntitySet"
import type * as ErpNetError from "effect-erpnet/ErpNetError"
import * as Filter from "effect-erpnet/Filter"
import * as Query from "effect-erpnet/Query"

const guid = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"

const Customers = EntitySet.make(
  "Crm_Customers",
  Schema.Struct({ Id: Schema.UUID, Number: Schema.NullOr(Schema.String) })
)

const Orders = EntitySet.make(
  "Crm_Sales_SalesOrders",
  Schema.Struct({
    "@odata.id": ComplexType.EntityId,
    DocumentNo: Schema.String,
    Void: Schema.Boolean,
    Lines: EntitySet.children(Schema.Struct({ LineNo: Schema.Number }))
  })
)

const refused = <A>(result: Either.Either<A, ErpNetError.InvalidQuery>): ErpNetError.InvalidQuery =>
  Either.getOrThrow(Either.flip(result))

describe("render", () => {
  it("writes the walkthrough's query", () => {
    assert.deepStrictEqual(Query.render(Customers, { top: 10 }), Either.right("$top=10&$select=Id,Number"))
  })

  it("sends only what is asked for", () => {
    assert.deepStrictEqual(Query.render(Customers), Either.right("$select=Id,Number"))
    assert.deepStrictEqual(
      Query.render(Customers, { filter: Filter.and(), orderBy: [], options: [], context: {} }),
      Either.right("$select=Id,Number")
    )
    const bare = EntitySet.make("A", Schema.Struct({ a: Schema.String }), { select: "default" })
    assert.deepStrictEqual(Query.render(bare), Either.right(""))
  })

  it("writes every option, in one order", () => {
    assert.deepStrictEqual(
      Query.render(Orders, {
        context: { role: guid, enterpriseCompanyLocation: guid, enterpriseCompany: guid },
        options: ["skipnulls", "includeid"],
        top: 1000,
        skip: 20,
        orderBy: ["DocumentNo", ["Void", "desc"], ["DocumentNo", "asc"]],
        search: 'Ивана "x"',
        filter: Filter.eq("DocumentNo", "a b"),
        headers: { "x-y": "z" }
      }),
      Either.right(
        [
          "$filter=DocumentNo%20eq%20%27a%20b%27",
          "$search=%22%D0%98%D0%B2%D0%B0%D0%BD%D0%B0%20%5C%22x%5C%22%22",
          "$orderby=DocumentNo,Void%20desc,DocumentNo",
          "$skip=20",
          "$top=1000",
          "$select=DocumentNo,Void",
          "$expand=Lines($select=LineNo)",
          "options=skipnulls,includeid",
          `CurrentEnterpriseCompanyId=${guid}`,
          `CurrentEnterpriseCompanyLocationId=${guid}`,
          `CurrentRoleId=${guid}`
        ].join("&")
      )
    )
  })

  it("takes the default for top where the query has none", () => {
    const defaults = { defaultTop: 1000 }
    assert.deepStrictEqual(Query.render(Customers, {}, defaults), Either.right("$top=1000&$select=Id,Number"))
    assert.deepStrictEqual(Query.render(Customers, { top: 5 }, defaults), Either.right("$top=5&$select=Id,Number"))
    assert.deepStrictEqual(Query.render(Customers, { top: 0 }, defaults), Either.right("$top=0&$select=Id,Number"))
  })

  it("refuses numbers that are none", () => {
    for (const bad of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const option of ["top", "skip"] as const) {
        const error = refused(Query.render(Customers, { [option]: bad }))
        assert.strictEqual(error._tag, "InvalidQuery")
        assert.strictEqual(error.option, `$${option}`)
        assert.include(error.message, `$${option}: it must be a whole number and not negative, not ${bad}`)
      }
    }
    assert.include(refused(Query.render(Customers, { top: 1001 })).message, "1001 is more than 1000")
    assert.isTrue(Either.isRight(Query.render(Customers, { skip: 1_000_000 })))
  })

  it("refuses what cannot be written", () => {
    assert.strictEqual(refused(Query.render(Customers, { search: " " })).option, "$search")
    assert.strictEqual(refused(Query.render(Customers, { search: "\uD800" })).option, "$search")
    assert.strictEqual(refused(Query.render(Customers, { options: ["skipnulls&$top=1"] })).option, "options")
    assert.strictEqual(refused(Query.render(Customers, { filter: Filter.eq("Id", "x") })).option, "$filter")
    for (const [name, option] of [
      ["enterpriseCompany", "CurrentEnterpriseCompanyId"],
      ["enterpriseCompanyLocation", "CurrentEnterpriseCompanyLocationId"],
      ["role", "CurrentRoleId"]
    ] as const) {
      const error = refused(Query.render(Customers, { context: { [name]: `${guid}&$top=1` } }))
      assert.strictEqual(error.option, option)
      assert.include(error.message, "must be a guid")
    }
    // Only reachable past the types.
    const Any = EntitySet.make("A", Schema.Struct({ a: Schema.String }))
    const orderBy = JSON.parse('["a desc,b"]')
    assert.strictEqual(refused(Query.render(Any, { orderBy })).option, "$orderby")
    assert.strictEqual(refused(Query.render(Any, { orderBy: JSON.parse('[["a","x"]]') })).option, "$orderby")
  })
})

describe("renderCount", () => {
  it("keeps what changes the number of rows", () => {
    assert.deepStrictEqual(
      Query.renderCount(Orders, {
        filter: Filter.eq("Void", false),
        search: "x",
        top: 5,
        orderBy: ["DocumentNo"],
        options: ["skipnulls"],
        context: { role: guid }
      }),
      Either.right(`$filter=Void%20eq%20false&$search=%22x%22&CurrentRoleId=${guid}`)
    )
    assert.deepStrictEqual(Query.renderCount(Orders), Either.right(""))
  })
})

describe("renderEntity", () => {
  it("keeps what shapes one entity", () => {
    assert.deepStrictEqual(
      Query.renderEntity(Orders, { options: ["skipnulls"], context: { role: guid } }),
      Either.right(`$select=DocumentNo,Void&$expand=Lines($select=LineNo)&options=skipnulls&CurrentRoleId=${guid}`)
    )
    assert.deepStrictEqual(Query.renderEntity(Customers), Either.right("$select=Id,Number"))
  })
})
