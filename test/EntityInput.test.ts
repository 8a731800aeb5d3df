import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, FastCheck, Option, Schema } from "effect"
import { ComplexType, EntityInput, EntitySet } from "effect-erpnet"
import { id } from "./support/domain.ts"

const ref = (n: number) => Option.getOrThrow(ComplexType.makeEntityId("Set", id(n)))

const Child = Schema.Struct({ No: Schema.Number, Product: ComplexType.Reference })

const Fields = {
  Code: Schema.String,
  Price: Schema.NullOr(ComplexType.Amount),
  Owner: Schema.NullOr(ComplexType.Reference),
  Group: Schema.NullOr(EntitySet.expand(Schema.Struct({ Code: Schema.String }))),
  Children: EntitySet.children(Child)
}

const Things = EntitySet.make("Things", Schema.Struct(Fields))

const encoded = (value: EntityInput.EntityInput<EntitySet.Type<typeof Things>>) =>
  Either.getOrThrow(EntityInput.encode(Things, value))

/** What a program without types may hand over. */
const wrong = (value: unknown): never => value as never

describe("EntityInput.encode", () => {
  it("keeps the order in which the fields are given, at every depth, after the annotations", () => {
    const names = ["Code", "Price", "Owner", "Group", "Children"] as const
    const values = {
      Code: "x",
      Price: null,
      Owner: ref(1),
      Group: { Code: "g", "@odata.type": "Erp.G" },
      Children: [{ Product: ref(2), No: 1, "@erpnet.action": "update" as const }]
    }
    void FastCheck.assert(
      FastCheck.property(FastCheck.shuffledSubarray([...names]), FastCheck.boolean(), (order, annotated) => {
        const given = order.map((name) => [name, values[name]] as const)
        const annotation = annotated ? [["@erpnet.action", "merge"] as const] : []
        const result = encoded(Object.fromEntries([...given, ...annotation]))
        assert.deepStrictEqual(Object.keys(result), [...annotation.map(([name]) => name), ...order])
      })
    )
    const { Children, Group } = encoded(values)
    assert.strictEqual(JSON.stringify(Group), '{"@odata.type":"Erp.G","Code":"g"}')
    assert.strictEqual(
      JSON.stringify(Children),
      `[{"@erpnet.action":"update","Product":{"@odata.id":"Set(${id(2)})"},"No":1}]`
    )
  })

  it("writes the annotations in one order: type, action, how to find", () => {
    const result = encoded({
      "@erpnet.findBy": { ExternalId: "e" },
      Code: "x",
      "@erpnet.action": "merge",
      "@odata.type": "Erp.T"
    })
    assert.deepStrictEqual(Object.keys(result), ["@odata.type", "@erpnet.action", "@erpnet.findBy", "Code"])
  })

  it("writes references as links, expanded ones as links or objects, and null", () => {
    assert.deepStrictEqual(encoded({ Owner: ref(1), Group: ref(2) }), {
      Owner: { "@odata.id": `Set(${id(1)})` },
      Group: { "@odata.id": `Set(${id(2)})` }
    })
    assert.deepStrictEqual(encoded({ Owner: null, Group: null, Price: null }), {
      Owner: null,
      Group: null,
      Price: null
    })
    assert.deepStrictEqual(encoded({ Group: { Code: "g" } }), { Group: { Code: "g" } })
    assert.deepStrictEqual(encoded({ "Owner@odata.bind": ref(3) }), { "Owner@odata.bind": `Set(${id(3)})` })
  })

  it("leaves out what is undefined", () => {
    assert.deepStrictEqual(
      encoded({ Code: undefined, "Owner@odata.bind": undefined, "@odata.type": undefined, Children: [] }),
      { Children: [] }
    )
    assert.deepStrictEqual(encoded({}), {})
  })

  it("writes an id that was read only where there is a field for it", () => {
    const Ided = EntitySet.make("Ided", Schema.Struct({ "@odata.id": ComplexType.EntityId, Code: Schema.String }))
    const row = { "@odata.id": ref(1), Code: "x" }
    assert.deepStrictEqual(Either.getOrThrow(EntityInput.encode(Ided, row)), { Code: "x" })
  })

  it("takes classes, refinements and suspended schemas for what they hold", () => {
    class Row extends Schema.Class<Row>("Row")(Fields) {}
    const refined = Schema.Struct(Fields).pipe(Schema.filter(() => true))
    const suspended = Schema.suspend(() => Schema.Struct(Fields))
    for (const schema of [Row, refined, suspended]) {
      const set = EntitySet.make("Things", schema, { select: "default" })
      assert.deepStrictEqual(Either.getOrThrow(EntityInput.encode(set, { Code: "x", Owner: ref(1) })), {
        Code: "x",
        Owner: { "@odata.id": `Set(${id(1)})` }
      })
    }
  })

  it("refuses, naming the place and never the value", () => {
    const hidden = "s3cr3t-value"
    const price = BigDecimal.unsafeFromString("1")
    const cases: ReadonlyArray<readonly [string, unknown]> = [
      ["", hidden],
      ["", [hidden]],
      ["Code", { Code: { hidden } }],
      ["Price", { Price: hidden }],
      ["Price.Value", { Price: { Value: hidden, Currency: "EUR" } }],
      ["Price.Currency", { Price: { Value: price, Currency: 7 } }],
      ["Owner", { Owner: { "@odata.id": hidden } }],
      ["Group", { Group: hidden }],
      ["Group.Code", { Group: { Code: 7 } }],
      ["Group.Other", { Group: { Other: hidden } }],
      ["Children", { Children: { hidden } }],
      ["Children[1]", { Children: [{}, hidden] }],
      ["Children[1].No", { Children: [{ No: 1 }, { No: hidden }] }],
      ["Other", { Other: hidden }],
      ["Owner@odata.bind", { "Owner@odata.bind": hidden }]
    ]
    for (const [path, value] of cases) {
      const result = EntityInput.encode(Things, wrong(value))
      assert(Either.isLeft(result), path)
      assert.deepInclude(result.left, { _tag: "InvalidValue", entitySet: "Things", path })
      assert.notInclude(`${result.left} ${JSON.stringify(result.left)}`, hidden)
    }
  })

  it("refuses rows whose fields are renamed, because nothing says how to write them", () => {
    const schema = Schema.Struct({ code: Schema.propertySignature(Schema.String).pipe(Schema.fromKey("Code")) })
    const result = EntityInput.encode(EntitySet.make("Renamed", schema), { code: "x" })
    assert(Either.isLeft(result))
    assert.match(result.left.reason, /keep their names/)
  })

  it("throws on nothing", () => {
    void FastCheck.assert(
      FastCheck.property(FastCheck.anything({ withBigInt: true, withNullPrototype: true }), (value) => {
        const fields = EntityInput.encode(
          Things,
          wrong({ Code: value, Price: value, Owner: value, Group: value, Children: value })
        )
        for (const result of [fields, EntityInput.encode(Things, wrong(value))]) {
          if (Either.isLeft(result)) assert.strictEqual(result.left._tag, "InvalidValue")
        }
      })
    )
  })
})
