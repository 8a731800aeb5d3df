/** What a question has to work with: a server, client processes, and how much of everything. */
import { type AdapterName, adapters } from "./adapters/index.ts"
import type { Built } from "./build.ts"
import { type Client, type Server, withClient } from "./processes.ts"
import type { Settings, Target } from "./protocol.ts"
import { digits, median } from "./statistics.ts"

/** The surroundings of a question. */
export interface Bench {
  readonly built: Built
  readonly server: Server
  readonly runs: number
  /** Less of everything: to see that the harness works, not to quote. */
  readonly quick: boolean
  /** Arguments of Node for the client processes. */
  readonly execArgv: ReadonlyArray<string>
}

/** A question: what it is called, and its answer as Markdown. */
export interface Question {
  readonly title: string
  readonly answer: (bench: Bench) => Promise<string>
}

/** What was measured, by adapter, one entry for each run. */
export type Samples<A> = Readonly<Record<string, ReadonlyArray<A>>>

/**
 * Measures each adapter in a fresh process, all of them once before any of them twice, so that what else the machine
 * does falls on all alike; every run begins with another adapter.
 */
export const interleaved = async <A>(
  bench: Bench,
  names: ReadonlyArray<AdapterName>,
  settings: Settings,
  use: (client: Client, name: AdapterName) => Promise<A>,
  target: Target = bench.server.target
): Promise<Samples<A>> => {
  const samples: Record<string, Array<A>> = {}
  for (let run = 0; run < bench.runs; run += 1) {
    for (let index = 0; index < names.length; index += 1) {
      const name = names[(index + run) % names.length]!
      await bench.server.reset(settings)
      const sample = await withClient(bench.built.directory, name, target, bench.execArgv, (client) =>
        use(client, name)
      )
      samples[name] = [...(samples[name] ?? []), sample]
    }
    process.stderr.write(".")
  }
  return samples
}

/** One figure of each run of an adapter. */
export const figures = <A>(samples: Samples<A>, name: AdapterName, of: (sample: A) => number): ReadonlyArray<number> =>
  (samples[name] ?? []).map(of)

/** The adapter without tokens on the same transport. */
export const baseOf: Readonly<Record<AdapterName, AdapterName>> = {
  floor: "floor",
  fetchStatic: "floor",
  openidClient: "fetchStatic",
  simpleOauth2: "fetchStatic",
  badgateway: "fetchStatic",
  effectFetch: "fetchStatic",
  effectUndici: "floor",
  oursFetch: "effectFetch",
  oursUndici: "effectUndici",
  oursDomain: "effectUndici"
}

/** A Markdown table. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map((_, column) => (column === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n")

/** What a table calls an adapter. */
export const titleOf = (name: AdapterName): string => adapters[name]

/** One line that holds figures against what was aimed at; `values` are those of the runs, their median counts. */
export const verdict = (what: string, values: ReadonlyArray<number>, limit: number, kind: "at most" | "at least") => {
  const value = median(values)
  const met = kind === "at most" ? value <= limit : value >= limit
  return `- ${what}: ${kind} ${digits(limit)}: **${digits(value)}, ${met ? "met" : "missed"}**`
}
