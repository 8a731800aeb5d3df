import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { allChanges, makeOverlay, type Overlay } from "../../src/testing/data/overlay.ts"
import { makeStore, type Row, type Store } from "../../src/testing/data/store.ts"
import { compareGuids } from "../../src/testing/model/guid.ts"
import { entityOf } from "../../src/testing/model/model.ts"
import { model } from "../../src/testing/model/sets.ts"

const sets = ["General_Contacts_Companies", "General_Contacts_Persons"]
const base = entityOf(model, "General_Contacts_Parties")
const ids = Array.from({ length: 12 }, (_, n) => `0e8fb1${n.toString(16)}1-5b04-4eab-a890-47cfb9cfa4c${n % 3}`)
const codes = ["P1", "p1", "P20", "P3x", "Q9", "P007"]

type Step =
  | { readonly kind: "insert" | "update"; readonly set: string; readonly id: string; readonly code: string | null }
  | { readonly kind: "remove"; readonly set: string; readonly id: string }
  | { readonly kind: "read" }

const place = {
  set: FastCheck.constantFrom(...sets),
  id: FastCheck.constantFrom(...ids)
}
const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  FastCheck.record({
    ...place,
    kind: FastCheck.constantFrom("insert" as const, "update" as const),
    code: FastCheck.constantFrom(...codes, null)
  }),
  FastCheck.record({ ...place, kind: FastCheck.constant("remove" as const) }),
  FastCheck.constant({ kind: "read" as const })
)

/** What a store has to answer, worked out from a plain list of rows. */
const expected = (rows: ReadonlyMap<string, Row>) => {
  const all = [...rows.values()].sort((a, b) => compareGuids(a.id, b.id) || (a.set < b.set ? -1 : 1))
  return (set: string | undefined) => {
    const shown = all.filter((row) => set === undefined || row.set === set)
    const number = (row: Row) => Number(/^P(\d+)$/.exec(String(row.values["PartyCode"]))?.[1] ?? 0)
    return {
      sorted: shown.map((row) => [row.id, row.values["PartyCode"]]),
      where: shown.filter((row) => String(row.values["PartyCode"]).toLowerCase() === "p1").map((row) => row.id),
      highest: Math.max(0, ...shown.map(number))
    }
  }
}

const seen = (store: Store) => (set: string | undefined) => {
  const entity = set === undefined ? base : entityOf(model, set)
  return {
    sorted: store.sorted(entity).map((row) => [row.id, row.values["PartyCode"]]),
    where: store.where(entity, "PartyCode", "P1").map((row) => row.id),
    highest: store.highest(entity, "PartyCode", "P")
  }
}

const agree = (store: Store, rows: ReadonlyMap<string, Row>): void => {
  for (const set of [...sets, undefined]) {
    const got = seen(store)(set)
    const wanted = expected(rows)(set)
    assert.deepStrictEqual(got.sorted, wanted.sorted)
    assert.deepStrictEqual(got.where, wanted.where)
    // an overlay does not use a number again that it has freed
    if (!("below" in store)) assert.strictEqual(got.highest, wanted.highest)
    else assert.isAtLeast(got.highest, wanted.highest)
    assert.strictEqual(store.size(set === undefined ? base : entityOf(model, set)), wanted.sorted.length)
  }
}

const run = (store: Store, rows: Map<string, Row>, steps: ReadonlyArray<Step>): void => {
  for (const one of steps) {
    if (one.kind === "read") {
      agree(store, rows)
      continue
    }
    // an id is that of one row, whatever its type
    const { id } = one
    const before = rows.get(id)
    if (before !== undefined && before.set !== one.set) continue
    if (one.kind === "insert") {
      const row = { id, set: one.set, values: { PartyCode: one.code } }
      store.insert(row)
      rows.set(id, row)
    } else if (one.kind === "update") {
      assert.strictEqual(store.update(one.set, id, { PartyCode: one.code }), before !== undefined)
      if (before !== undefined) rows.set(id, { ...before, values: { PartyCode: one.code } })
    } else {
      assert.strictEqual(store.remove(one.set, id), before !== undefined)
      rows.delete(id)
    }
  }
  agree(store, rows)
}

const steps = FastCheck.array(step, { maxLength: 30 })

describe("the store", () => {
  it("keeps its order and its indexes through any changes", () => {
    void FastCheck.assert(
      FastCheck.property(steps, (all) => run(makeStore(model), new Map(), all)),
      { numRuns: 300 }
    )
  })

  it("shows an overlay its own changes, and what is below shows none until they are flushed", () => {
    void FastCheck.assert(
      FastCheck.property(steps, steps, steps, (first, second, third) => {
        const store = makeStore(model)
        const below = new Map<string, Row>()
        run(store, below, first)
        const overlay: Overlay = makeOverlay(store)
        const inside = new Map(below)
        run(overlay, inside, second)
        const nested = makeOverlay(overlay)
        const innermost = new Map(inside)
        run(nested, innermost, third)
        agree(overlay, inside)
        agree(store, below)
        nested.flush()
        agree(overlay, innermost)
        agree(store, below)
        overlay.flush()
        agree(store, innermost)
      }),
      { numRuns: 300 }
    )
  })

  it("tells a change only where there is one", () => {
    const store = makeStore(model)
    const row = { id: ids[0] ?? "", set: sets[0] ?? "", values: { PartyCode: "P1", Name: { EN: "A" } } }
    store.insert(row)
    const overlay = makeOverlay(store)
    overlay.update(row.set, row.id, { PartyCode: "P1", Name: { EN: "A" }, City: null })
    assert.deepStrictEqual(allChanges(overlay.changes), [])
    overlay.update(row.set, row.id, { Name: { EN: "A", BG: "А" }, PartyCode: "P1" })
    assert.deepStrictEqual(
      allChanges(overlay.changes).map((change) => change.kind === "update" && Object.keys(change.values)),
      [["Name"]]
    )
  })
})
