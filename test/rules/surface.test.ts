/** A change of the public types has to show in the report that is checked in. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { readDeclarations } from "../tools/reference/declarations.ts"
import { renderSurface } from "../tools/surface/surface.ts"

const report = readFileSync(new URL("../tools/surface/effect-erpnet.api.txt", import.meta.url), "utf8")
const surface = renderSurface(readDeclarations())

describe("public types", () => {
  it("are those of the report; if the change is meant, run npm run surface", () => {
    assert.strictEqual(surface, report, "the public types have changed: if that is meant, run npm run surface")
  })

  it("names no declaration that only the compiler made", () => {
    assert.notMatch(surface, /_base\b/)
  })
})
