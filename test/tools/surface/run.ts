/** Writes the report of the public types. */
import { writeFileSync } from "node:fs"
import { readDeclarations } from "../reference/declarations.ts"
import { renderSurface } from "./surface.ts"

writeFileSync(new URL("./effect-erpnet.api.txt", import.meta.url), renderSurface(readDeclarations()))
