/** A progress bar on a terminal; plain lines where the output goes elsewhere. */
import { Effect } from "effect"
import { dim, green, line } from "./terminal.ts"

const width = 32

const count = (n: number): string => n.toLocaleString("en-US")

/** How a run with this name shows how far it has come. Without a total it only counts. */
export const progressBar =
  (name: string) =>
  ({ pulled, total }: { readonly pulled: number; readonly total: number | undefined }): Effect.Effect<void> => {
    const numbers = `${count(pulled)}${total === undefined ? "" : ` of ${count(total)}`} customers`
    if (process.stdout.isTTY !== true) return pulled === 0 ? Effect.void : line(`${name}: ${numbers}`)
    // A row that came while the run went on makes it more than the total.
    const part = total === undefined || total === 0 ? 1 : Math.min(pulled / total, 1)
    const full = Math.round(part * width)
    const bar = green("█".repeat(full)) + dim("░".repeat(width - full))
    const done = total !== undefined && pulled >= total
    return Effect.sync(() => process.stdout.write(`\r  ${name} ${bar} ${numbers}${done ? "\n" : ""}`))
  }

/** What a run did, in one line. */
export const summary = (run: {
  readonly mode: string
  readonly pulled: number
  readonly applied: number
  readonly skipped: number
  readonly watermark: string | undefined
}): Effect.Effect<void> =>
  line(
    `${green("ok")} ${run.mode} pull: ${count(run.pulled)} received, ${count(run.applied)} written, ` +
      `${count(run.skipped)} skipped, watermark ${run.watermark ?? "none"}`
  )
