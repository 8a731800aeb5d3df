/** What the demos around the copy of the customers share. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Clock, Effect } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { Customers } from "./customerCopy.ts"
import { line, yellow } from "./terminal.ts"

/** A file that is there as long as the scope. */
export const temporaryFile = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-erpnet-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "customers.sqlite")
)

/** What other users of the instance do between two runs. */
export const changeSome = (count: number) =>
  Effect.gen(function* () {
    const { data } = yield* ErpNetEmulator.ErpNetEmulator
    const store = yield* data
    const now = yield* Clock.currentTimeMillis
    const changed = store.ids(Customers.name).slice(0, count)
    for (const id of changed) store.update(Customers.name, id, { Active: false, AggregateLastUpdateTimeUtc: now })
    yield* line(`${yellow("changed")} ${changed.length} customers on the server`)
  })
