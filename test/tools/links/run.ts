/** Makes the links of the README absolute, for the page of the package: once `repository` is set in package.json. */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { filesAddress, toAbsolute } from "./links.ts"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const address = filesAddress(JSON.parse(readFileSync(`${root}package.json`, "utf8")))
if (address === undefined) {
  console.error("package.json has no `repository`: set it first, then the links can be absolute.")
  process.exitCode = 1
} else {
  writeFileSync(`${root}README.md`, toAbsolute(readFileSync(`${root}README.md`, "utf8"), address))
  console.log(`The links of README.md begin with ${address}`)
}
