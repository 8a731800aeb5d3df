/** Writes the API reference into src/reference. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { readDeclarations } from "./declarations.ts"
import { renderReference } from "./reference.ts"

const folder = fileURLToPath(new URL("../../../src/reference", import.meta.url))
const pages = renderReference(readDeclarations())
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [name, text] of pages) writeFileSync(`${folder}/${name}`, text)
console.log(`${pages.size} pages in src/reference`)
