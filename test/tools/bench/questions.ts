/** The questions, by number. */
import type { AdapterName } from "./adapters/index.ts"
import {
  type Bench,
  baseOf,
  figures,
  interleaved,
  type Question,
  type Samples,
  table,
  titleOf,
  verdict
} from "./bench.ts"
import { bundleSizes, importTimes } from "./loading.ts"
import { withClient } from "./processes.ts"
import { type Consumer, type Counters, type Measure, plainSettings, type Way } from "./protocol.ts"
import { digits, exponent, median, ratios, spread } from "./statistics.ts"

const ours: ReadonlyArray<AdapterName> = ["oursFetch", "oursUndici"]
const withTokens: ReadonlyArray<AdapterName> = ["openidClient", "simpleOauth2", "badgateway", ...ours]
const all: ReadonlyArray<AdapterName> = [
  "floor",
  "fetchStatic",
  "openidClient",
  "simpleOauth2",
  "badgateway",
  "effectFetch",
  "effectUndici",
  ...ours
]

/** The least that a process is warmed up with before it is measured. */
const warmUp = 1500

/** Counts are held to their worst run: one call that fails is not made good by four runs without. */
const worst = (values: ReadonlyArray<number>): ReadonlyArray<number> => [Math.max(...values)]

const lines = (...parts: ReadonlyArray<string | ReadonlyArray<string>>): string => parts.flat().join("\n")

// --- 1 --------------------------------------------------------------------------------------------------------------

interface Storm {
  readonly cold: Measure
  readonly coldCounters: Counters
  readonly revoked: Measure
  readonly revokedCounters: Counters
}

const storms: Question = {
  title: "1. 1,000 calls on a cold cache, and after all tokens are revoked",
  answer: async (bench) => {
    const parts: Array<string> = []
    for (const concurrency of [1000, 50]) {
      const job = { type: "calls", count: 1000, concurrency } as const
      const samples: Samples<Storm> = await interleaved(
        bench,
        all,
        { ...plainSettings, tokenLatency: 50 },
        async (client) => {
          const cold = await client.run(job)
          const coldCounters = await bench.server.read()
          await bench.server.revokeAll()
          const revoked = await client.run(job)
          return { cold, coldCounters, revoked, revokedCounters: await bench.server.read() }
        }
      )
      const of = (name: AdapterName, figure: (storm: Storm) => number) => figures(samples, name, figure)
      const coldTime = (storm: Storm) => storm.cold.milliseconds
      const revokedTime = (storm: Storm) => storm.revoked.milliseconds
      const coldCpu = (storm: Storm) => storm.cold.cpuMicroseconds
      const revokedCpu = (storm: Storm) => storm.revoked.cpuMicroseconds
      const ratio = (name: AdapterName, time: (storm: Storm) => number) =>
        ratios(of(name, time), of(baseOf[name], time))
      parts.push(
        lines(
          "",
          `${concurrency === 1000 ? "All at once" : `${concurrency} at a time`}, a token takes 50 ms, a fresh process. The adapters with a static token have nothing to revoke: theirs are the same calls once more, on warm connections.`,
          "",
          table(
            [
              "",
              "posts",
              "failed",
              "ms",
              "x base",
              "CPU x base",
              "revoked: posts",
              "failed",
              "API calls",
              "ms",
              "x base",
              "CPU x base"
            ],
            all.map((name) => [
              titleOf(name),
              spread(of(name, (storm) => storm.coldCounters.tokenPosts)),
              spread(of(name, (storm) => storm.cold.failed)),
              spread(of(name, coldTime)),
              spread(ratio(name, coldTime)),
              spread(ratio(name, coldCpu)),
              spread(of(name, (storm) => storm.revokedCounters.tokenPosts)),
              spread(of(name, (storm) => storm.revoked.failed)),
              spread(of(name, (storm) => storm.revokedCounters.apiCalls)),
              spread(of(name, revokedTime)),
              spread(ratio(name, revokedTime)),
              spread(ratio(name, revokedCpu))
            ])
          ),
          "",
          ours.flatMap((name) => [
            verdict(
              `${titleOf(name)}, posts on a cold cache`,
              worst(of(name, (s) => s.coldCounters.tokenPosts)),
              1,
              "at most"
            ),
            verdict(
              `${titleOf(name)}, posts after revocation`,
              worst(of(name, (s) => s.revokedCounters.tokenPosts)),
              1,
              "at most"
            ),
            verdict(
              `${titleOf(name)}, failed calls`,
              worst(of(name, (s) => s.cold.failed + s.revoked.failed)),
              0,
              "at most"
            ),
            verdict(`${titleOf(name)}, cold, x ${titleOf(baseOf[name])}`, ratio(name, coldTime), 1.1, "at most"),
            verdict(`${titleOf(name)}, revoked, x ${titleOf(baseOf[name])}`, ratio(name, revokedTime), 1.1, "at most")
          ])
        )
      )
    }
    return lines(
      "Base: the adapter without tokens on the same transport. After a revocation every call under way is refused and made again, so that up to twice the calls reach the API.",
      parts
    )
  }
}

// --- 2 --------------------------------------------------------------------------------------------------------------

const alwaysUnauthorized: Question = {
  title: "2. An API that always answers 401, 2,000 calls, 50 at a time",
  answer: async (bench) => {
    const samples = await interleaved(
      bench,
      withTokens,
      { ...plainSettings, tokenLatency: 20, alwaysUnauthorized: true },
      async (client) => ({
        measure: await client.run({ type: "calls", count: 2000, concurrency: 50 }),
        counters: await bench.server.read()
      })
    )
    return lines(
      table(
        ["", "posts", "API calls per call", "failed", "ms"],
        withTokens.map((name) => [
          titleOf(name),
          spread(figures(samples, name, ({ counters }) => counters.tokenPosts)),
          spread(figures(samples, name, ({ counters }) => counters.apiCalls / 2000)),
          spread(figures(samples, name, ({ measure }) => measure.failed)),
          spread(figures(samples, name, ({ measure }) => measure.milliseconds))
        ])
      ),
      "",
      ours.map((name) =>
        verdict(
          `${titleOf(name)}, posts`,
          worst(figures(samples, name, ({ counters }) => counters.tokenPosts)),
          3,
          "at most"
        )
      )
    )
  }
}

// --- 3 --------------------------------------------------------------------------------------------------------------

interface Steady {
  readonly without: Measure
  readonly short: Measure
  readonly posts: number
}

const steadyLoad: Question = {
  title: "3. Steady load with tokens of 2 s and an identity server that takes 200 ms",
  answer: async (bench) => {
    const steady = { type: "steady", perSecond: 50, seconds: bench.quick ? 5 : 12 } as const
    const settings = { ...plainSettings, tokenLatency: 200 }
    const target = { ...bench.server.target, shortTokens: true }
    const measured = async (name: AdapterName, tokenLifetime: number) => {
      await bench.server.reset({ ...settings, tokenLifetime })
      return withClient(bench.built.directory, name, target, bench.execArgv, async (client) => {
        await client.run({ type: "calls", count: warmUp, concurrency: 16 })
        await client.run({ ...steady, seconds: 2 })
        await bench.server.read()
        return { measure: await client.run(steady), posts: (await bench.server.read()).tokenPosts }
      })
    }
    const samples: Record<string, Array<Steady>> = {}
    for (let run = 0; run < bench.runs; run += 1) {
      for (const name of withTokens) {
        const without = await measured(name, 3600)
        const short = await measured(name, 2)
        const sample = { without: without.measure, short: short.measure, posts: short.posts }
        samples[name] = [...(samples[name] ?? []), sample]
      }
      process.stderr.write(".")
    }
    const of = (name: AdapterName, figure: (sample: Steady) => number) => figures(samples, name, figure)
    const ratio = (name: AdapterName) => of(name, ({ short, without }) => short.p99 / without.p99)
    return lines(
      `${steady.perSecond} calls a second for ${steady.seconds} s, sent at fixed moments whatever becomes of those before. effect-erpnet runs with \`expiryLeeway: "500 millis"\` and \`refreshAhead: "1 second"\`: its defaults, meant for tokens of an hour, are both clamped to half of 2 s, which leaves no time in which to renew ahead.`,
      "",
      table(
        ["", "p50, ms", "p99, ms", "max, ms", "p99 without expiry, ms", "p99 x without", "posts", "failed"],
        withTokens.map((name) => [
          titleOf(name),
          spread(of(name, ({ short }) => short.p50)),
          spread(of(name, ({ short }) => short.p99)),
          spread(of(name, ({ short }) => short.max)),
          spread(of(name, ({ without }) => without.p99)),
          spread(ratio(name)),
          spread(of(name, ({ posts }) => posts)),
          spread(of(name, ({ short }) => short.failed))
        ])
      ),
      "",
      ours.flatMap((name) => [
        verdict(`${titleOf(name)}, p99 x without expiry`, ratio(name), 1.3, "at most"),
        verdict(`${titleOf(name)}, failed calls`, worst(of(name, ({ short }) => short.failed)), 0, "at most")
      ])
    )
  }
}

// --- 4 --------------------------------------------------------------------------------------------------------------

const costPerCall: Question = {
  title: "4. Client CPU per authenticated call, warm",
  answer: async (bench) => {
    const names: ReadonlyArray<AdapterName> = [...all, "oursDomain"]
    const count = bench.quick ? 1500 : 6000
    const samples = await interleaved(bench, names, plainSettings, async (client) => {
      await client.run({ type: "calls", count: warmUp * 2, concurrency: 32 })
      const many = await client.run({ type: "calls", count, concurrency: 32 })
      const single = await client.run({ type: "calls", count: count / 2, concurrency: 1 })
      return { many: many.cpuMicroseconds / count, single: (2 * single.cpuMicroseconds) / count }
    })
    type Cost = { readonly many: number; readonly single: number }
    const of = (name: AdapterName, figure: (cost: Cost) => number) => figures(samples, name, figure)
    const many = (cost: Cost) => cost.many
    const single = (cost: Cost) => cost.single
    const ratio = (name: AdapterName, figure: (cost: Cost) => number, by: AdapterName) =>
      ratios(of(name, figure), of(by, figure))
    return lines(
      "Microseconds of user and system time of the client process.",
      "",
      table(
        ["", "32 at a time", "x base", "x fetch, static", "one at a time", "x base", "x fetch, static"],
        names.map((name) => [
          titleOf(name),
          spread(of(name, many)),
          spread(ratio(name, many, baseOf[name])),
          spread(ratio(name, many, "fetchStatic")),
          spread(of(name, single)),
          spread(ratio(name, single, baseOf[name])),
          spread(ratio(name, single, "fetchStatic"))
        ])
      ),
      "",
      ours.flatMap((name) => [
        verdict(`${titleOf(name)}, 32 at a time, x bare`, ratio(name, many, baseOf[name]), 1.05, "at most"),
        verdict(`${titleOf(name)}, one at a time, x bare`, ratio(name, single, baseOf[name]), 1.05, "at most")
      ]),
      verdict(
        "undici, 32 at a time, x fetch with a static token",
        ratio("oursUndici", many, "fetchStatic"),
        1,
        "at most"
      ),
      verdict(
        "undici, one at a time, x fetch with a static token",
        ratio("oursUndici", single, "fetchStatic"),
        1,
        "at most"
      ),
      `- Effect's own client on undici is ${digits(median(ratio("effectUndici", many, "floor")))} x the floor at 32 at a time.`
    )
  }
}

// --- 5 --------------------------------------------------------------------------------------------------------------

const cachedToken: Question = {
  title: "5. A cached token",
  answer: async (bench) => {
    const names: ReadonlyArray<AdapterName> = [
      "openidClient",
      "simpleOauth2",
      "badgateway",
      "effectUndici",
      "oursUndici"
    ]
    const count = bench.quick ? 200_000 : 1_000_000
    const samples = await interleaved(bench, names, plainSettings, async (client) => {
      await client.run({ type: "cachedToken", count: count / 2 })
      const { milliseconds } = await client.run({ type: "cachedToken", count })
      return (milliseconds * 1_000_000) / count
    })
    const of = (name: AdapterName) => figures(samples, name, (value) => value)
    return lines(
      "Nanoseconds per call, the loop included. The line of Effect's client is a constant in the same loop: what the loop costs.",
      "",
      table(
        ["", "ns"],
        names.map((name) => [titleOf(name), spread(of(name))])
      ),
      "",
      verdict("effect-erpnet, ns", of("oursUndici"), 1000, "at most")
    )
  }
}

// --- 6 --------------------------------------------------------------------------------------------------------------

const readers: ReadonlyArray<AdapterName> = [...all]

const rowsPerSecond: Question = {
  title: "6. Rows in pages of 1,000",
  answer: async (bench) => {
    const rows = bench.quick ? 20_000 : 100_000
    const perSecond = (measure: Measure) => measure.rows / measure.milliseconds
    const fast = await interleaved(bench, readers, { ...plainSettings, rows }, async (client) => {
      await client.run({ type: "rows", rows, consumer: "fast", pause: 0 })
      return client.run({ type: "rows", rows, consumer: "fast", pause: 0 })
    })
    const of = (name: AdapterName) => figures(fast, name, perSecond)
    const toFloor = (name: AdapterName) => ratios(of(name), of("floor"))

    const slowRows = Math.max(20_000, rows / 4)
    const pause = 20
    const slow = async (consumer: Consumer) =>
      interleaved(
        bench,
        ["floor", "effectUndici", "oursUndici"],
        { ...plainSettings, rows: slowRows, pageDelay: pause },
        async (client) => {
          await client.run({ type: "rows", rows: slowRows, consumer, pause })
          return client.run({ type: "rows", rows: slowRows, consumer, pause })
        }
      )
    const batches = await slow("batches")
    const shared = await slow("rows")
    const speed = (samples: Samples<Measure>, by: AdapterName) =>
      ratios(figures(samples, "oursUndici", perSecond), figures(samples, by, perSecond))

    // Without a limit the peak is what V8 leaves uncollected while there is room.
    const capped = { ...bench, execArgv: [...bench.execArgv, "--max-old-space-size=96"] }
    const sizes = bench.quick ? [1000, 20_000, 100_000] : [1000, 10_000, 100_000, 1_000_000]
    const memory: Array<ReadonlyArray<string>> = []
    const peaks: Array<number> = []
    for (const size of sizes) {
      const samples = await interleaved(
        { ...capped, runs: Math.min(3, bench.runs) },
        ["oursUndici"],
        { ...plainSettings, rows: size },
        (client) => client.run({ type: "rows", rows: size, consumer: "fast", pause: 0 })
      )
      const peak = figures(samples, "oursUndici", ({ peakMemory }) => peakMemory)
      peaks.push(median(peak))
      memory.push([
        size.toLocaleString("en"),
        spread(peak),
        spread(figures(samples, "oursUndici", ({ heap }) => heap)),
        spread(figures(samples, "oursUndici", ({ cpuMicroseconds }) => cpuMicroseconds / size))
      ])
    }
    return lines(
      `${rows.toLocaleString("en")} rows of 15 fields. effect-erpnet decodes them by a Schema (one field a UUID); nobody else decodes.`,
      "",
      table(
        ["", "thousand rows/s", "x floor", "CPU µs per row"],
        readers.map((name) => [
          titleOf(name),
          spread(of(name)),
          spread(toFloor(name)),
          spread(figures(fast, name, ({ cpuMicroseconds }) => cpuMicroseconds / rows))
        ])
      ),
      "",
      verdict("effect-erpnet (undici), decoded, x floor", toFloor("oursUndici"), 0.7, "at least"),
      "",
      `A page takes ${pause} ms, and so does the consumer for 1,000 rows; thousand rows/s. "Batches": it collects 1,000 rows and pauses once. "Rows": it pauses after each chunk for its share. The next page is asked for when 60 % of the current one are taken, so that at most 40 % of a pause that is shared out overlap with it: 2 / 1.6 = 1.25 is the limit there.`,
      "",
      table(
        ["", "batches", "rows"],
        (["floor", "effectUndici", "oursUndici"] as const).map((name) => [
          titleOf(name),
          spread(figures(batches, name, perSecond)),
          spread(figures(shared, name, perSecond))
        ])
      ),
      "",
      verdict("batches, x the sequential loop of the floor", speed(batches, "floor"), 1.7, "at least"),
      verdict("rows, x the sequential loop of the floor (1.25 is the limit)", speed(shared, "floor"), 1.7, "at least"),
      "",
      "Memory of a fresh process of effect-erpnet (undici) that reads so many rows once, in MB, its old generation limited to 96 MB: what is kept would end it.",
      "",
      table(["rows", "peak", "heap after", "CPU µs per row"], memory),
      "",
      verdict("peak, most rows x those of the size before", [peaks.at(-1)! / peaks.at(-2)!], 1.25, "at most")
    )
  }
}

// --- 7 --------------------------------------------------------------------------------------------------------------

interface Lookups {
  readonly measure: Measure
  readonly calls: number
}

const lookups: Question = {
  title: "7. 1,000 lookups by id",
  answer: async (bench) => {
    const cases: ReadonlyArray<readonly [AdapterName, Way]> = [
      ["floor", "one by one"],
      ["floor", "at once"],
      ["oursUndici", "one by one"],
      ["oursUndici", "at once"],
      ["oursUndici", "together"]
    ]
    const parts: Array<string> = []
    for (const lookupDelay of [0, 10]) {
      const samples: Record<string, Array<Lookups>> = {}
      for (let run = 0; run < bench.runs; run += 1) {
        for (const [name, way] of cases) {
          await bench.server.reset({ ...plainSettings, lookupDelay })
          const sample = await withClient(
            bench.built.directory,
            name,
            bench.server.target,
            bench.execArgv,
            async (client) => {
              await client.run({ type: "calls", count: warmUp, concurrency: 16 })
              await client.run({ type: "lookups", count: 200, way })
              await bench.server.read()
              const measure = await client.run({ type: "lookups", count: 1000, way })
              return { measure, calls: (await bench.server.read()).apiCalls }
            }
          )
          const key = `${name} ${way}`
          samples[key] = [...(samples[key] ?? []), sample]
        }
        process.stderr.write(".")
      }
      const of = ([name, way]: readonly [AdapterName, Way], figure: (sample: Lookups) => number) =>
        (samples[`${name} ${way}`] ?? []).map(figure)
      const time = ({ measure }: Lookups) => measure.milliseconds
      const loop = of(["floor", "one by one"], time)
      parts.push(
        `A lookup takes the server ${lookupDelay} ms, whether of one row or of a hundred.`,
        "",
        table(
          ["", "requests", "rows", "ms", "x the loop", "CPU ms"],
          cases.map((each) => [
            `${titleOf(each[0])}, ${each[1]}`,
            spread(of(each, ({ calls }) => calls)),
            spread(of(each, ({ measure }) => measure.rows)),
            spread(of(each, time)),
            spread(ratios(of(each, time), loop)),
            spread(of(each, ({ measure }) => measure.cpuMicroseconds / 1000))
          ])
        ),
        "",
        verdict(
          "effect-erpnet, together, requests",
          of(["oursUndici", "together"], ({ calls }) => calls),
          10,
          "at most"
        ),
        ""
      )
    }
    return lines(
      "The loop: one request after the other without Schema. Together: `{ coalesce: true }`, up to 100 ids a request.",
      "",
      parts
    )
  }
}

// --- 8 --------------------------------------------------------------------------------------------------------------

const loading: Question = {
  title: "8. Import time and bundle size over effect and @effect/platform",
  answer: async (bench) => {
    const times = await importTimes(bench.built, bench.quick ? 5 : 15)
    const sizes = await bundleSizes(bench.built)
    const marginal = times.find(({ name }) => name === "effect-erpnet")
    const tokens = sizes.find(({ name }) => name === "TokenProvider")
    return lines(
      "Milliseconds in fresh processes; the marginal time is what the import of the package takes once effect and @effect/platform are loaded.",
      "",
      table(
        ["", "effect + @effect/platform", "marginal"],
        times.map(({ base, marginal, name }) => [name, spread(base), spread(marginal)])
      ),
      "",
      "Minified and tree-shaken by esbuild, effect and @effect/platform external, everything else inside.",
      "",
      table(
        ["", "kB", "gzipped, kB", "largest parts, kB"],
        sizes.map(({ bytes, gzipped, name, parts }) => [name, digits(bytes / 1000), digits(gzipped / 1000), parts])
      ),
      "",
      verdict("import, ms", marginal?.marginal ?? [], 15, "at most"),
      verdict("token service, kB", [(tokens?.bytes ?? Number.NaN) / 1000], 12, "at most")
    )
  }
}

// --- 9 --------------------------------------------------------------------------------------------------------------

const tenantGrowth = async (bench: Bench): Promise<string> => {
  const sizes = bench.quick ? [1, 100, 1000] : [1, 100, 10_000]
  const count = bench.quick ? 3000 : 10_000
  const rows: Array<ReadonlyArray<string>> = []
  const points: Array<readonly [number, number]> = []
  for (const size of sizes) {
    const samples = await interleaved(bench, ["oursUndici"], plainSettings, async (client) => {
      const before = await client.run({ type: "calls", count: 0, concurrency: 1 })
      const made = await client.run({ type: "tenants", count: size })
      const warm = await client.run({ type: "calls", count: Math.max(size, warmUp * 2), concurrency: 32 })
      const posts = (await bench.server.read()).tokenPosts
      const measure = await client.run({ type: "calls", count, concurrency: 32 })
      return {
        cost: measure.cpuMicroseconds / count,
        posts,
        failed: warm.failed + measure.failed,
        made: made.cpuMicroseconds / size,
        kilobytes: ((measure.heap - before.heap) * 1024) / size
      }
    })
    const of = (
      figure: (sample: { cost: number; posts: number; failed: number; made: number; kilobytes: number }) => number
    ) => figures(samples, "oursUndici", figure)
    points.push([size, median(of(({ cost }) => cost))])
    rows.push([
      size.toLocaleString("en"),
      spread(of(({ cost }) => cost)),
      spread(of(({ posts }) => posts)),
      spread(of(({ failed }) => failed)),
      spread(of(({ made }) => made)),
      size === 1 ? "–" : spread(of(({ kilobytes }) => kilobytes))
    ])
  }
  return lines(
    "Calls in turn to so many tenants in one process, each with a token of its own.",
    "",
    table(["tenants", "CPU µs per call", "posts", "failed", "CPU µs to make one", "kB of heap each"], rows),
    "",
    `- Cost of a call ~ tenants^${exponent(points).toFixed(3)}`
  )
}

const rowGrowth = async (bench: Bench): Promise<string> => {
  const sizes = bench.quick ? [1, 1000, 10_000, 50_000] : [1, 1000, 10_000, 100_000, 1_000_000]
  const rows: Array<ReadonlyArray<string>> = []
  const points: Array<readonly [number, number]> = []
  for (const size of sizes) {
    const samples = await interleaved(
      { ...bench, runs: Math.min(3, bench.runs) },
      ["oursUndici"],
      { ...plainSettings, rows: size },
      async (client) => {
        // As warm as it gets, whatever the size: otherwise the small ones pay for the compiler alone.
        await client.run({ type: "calls", count: warmUp, concurrency: 4 })
        const times = Math.max(1, Math.ceil(20_000 / Math.max(size, 100)))
        for (let time = 0; time < times; time += 1)
          await client.run({ type: "rows", rows: size, consumer: "fast", pause: 0 })
        return client.run({ type: "rows", rows: size, consumer: "fast", pause: 0 })
      }
    )
    const cpu = figures(samples, "oursUndici", ({ cpuMicroseconds }) => cpuMicroseconds)
    if (size >= 1000) points.push([size, median(cpu)])
    rows.push([
      size.toLocaleString("en"),
      spread(cpu.map((value) => value / 1000)),
      spread(cpu.map((value) => value / size)),
      spread(figures(samples, "oursUndici", ({ milliseconds }) => milliseconds))
    ])
  }
  return lines(
    "Reading so many rows with `DomainApi.stream`, decoded, warm.",
    "",
    table(["rows", "CPU ms", "CPU µs per row", "ms"], rows),
    "",
    `- Cost of reading, from one page on ~ rows^${exponent(points).toFixed(3)}`
  )
}

const growth: Question = {
  title: "9. Growth with tenants and with rows",
  answer: async (bench) => lines(await tenantGrowth(bench), "", await rowGrowth(bench))
}

/** The questions by number. */
export const questions: Readonly<Record<number, Question>> = {
  1: storms,
  2: alwaysUnauthorized,
  3: steadyLoad,
  4: costPerCall,
  5: cachedToken,
  6: rowsPerSecond,
  7: lookups,
  8: loading,
  9: growth
}
