/** The program `effect-erpnet`. Help, versions and mistakes need nothing but this; the rest is loaded for a command. */
import { parse } from "./commandLine.ts"
import { withoutColours, wrap } from "./style.ts"

// Whoever read the output has enough of it, as in `| head -1`.
process.stdout.on("error", () => process.exit())

const allowsColours = process.env["NO_COLOR"] === undefined || process.env["NO_COLOR"] === ""
const colours = {
  out: allowsColours && process.stdout.isTTY === true,
  err: allowsColours && process.stderr.isTTY === true
}

const parsed = parse(process.argv.slice(2), process.stdout.columns)
if (parsed._tag === "Print") {
  process.stdout.write(colours.out ? parsed.out : withoutColours(parsed.out))
  const { columns } = process.stderr
  const err = columns === undefined ? parsed.err : wrap(parsed.err, columns)
  process.stderr.write(colours.err ? err : withoutColours(err))
  // Not process.exit, which would cut off what a slow pipe has not taken yet.
  process.exitCode = parsed.code
} else {
  const { main } = await import("./process.ts")
  main(parsed, colours)
}
