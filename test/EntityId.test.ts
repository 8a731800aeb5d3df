import { assert, describe, it } from "@effect/vitest"
import { Equal, Option, Schema } from "effect"
import { ComplexType, EntityId } from "effect-erpnet"

const guid = "0e8fb111-5b04-4eab-a890-47cfb9cfa4c4"
const made = Option.getOrThrow(EntityId.make("Crm_Customers", guid.toUpperCase()))

describe("EntityId", () => {
  it("writes and reads Set(guid), relative and absolute", () => {
    const text = `Crm_Customers(${guid})`
    assert.strictEqual(EntityId.format(made), text)
    for (const written of [text, `/${text}`, `https://demo.my.erp.net/api/domain/odata/${text}`]) {
      assert.isTrue(Equal.equals(EntityId.parse(written), Option.some(made)), written)
    }
  })

  it("refuses a set that is no identifier and an id that is no guid", () => {
    for (const [set, id] of [
      ["Crm/Customers", guid],
      ["", guid],
      ["1Set", guid],
      ["Crm_Customers", "x"]
    ] as const) {
      assert.isTrue(Option.isNone(EntityId.make(set, id)), `${set}(${id})`)
    }
    for (const text of ["Crm_Customers", `Crm_Customers('${guid}')`, `a?b/Crm_Customers(${guid})`]) {
      assert.isTrue(Option.isNone(EntityId.parse(text)), text)
    }
  })

  it("has a Schema over its text, and stays what the old names made", () => {
    assert.isTrue(Equal.equals(Schema.decodeSync(EntityId.Schema)(EntityId.format(made)), made))
    assert.strictEqual(Schema.encodeSync(EntityId.Schema)(made), EntityId.format(made))
    assert.isTrue(EntityId.is(Option.getOrThrow(ComplexType.makeEntityId("Crm_Customers", guid))))
    assert.isFalse(EntityId.is(EntityId.format(made)))
  })
})
