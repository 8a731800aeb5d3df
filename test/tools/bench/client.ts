/** One process that measures one adapter: its parent sends jobs over IPC, each is answered by what was measured. */
import { setTimeout as sleep } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Adapter } from "./adapter.ts"
import { isAdapterName, load } from "./adapters/index.ts"
import type { Job, Measure, Target } from "./protocol.ts"
import { quantile } from "./statistics.ts"

const [name = "", origin = "", staticToken = "", shortTokens] = process.argv.slice(2)
if (!isAdapterName(name)) throw new Error(`there is no adapter ${name}`)
const target: Target = { origin, staticToken, shortTokens: shortTokens === "shortTokens" }

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

type Result = Partial<Pick<Measure, "failed" | "firstFailure" | "p50" | "p99" | "max" | "rows">>

const unsupported = (type: Job["type"]) => Promise.reject(new Error(`${name} does not do ${type}`))

/** Calls at fixed moments, whether or not those before have come back: a wait shows in every call that falls in it. */
const steady = async (adapter: Adapter, perSecond: number, seconds: number): Promise<Result> => {
  const latencies: Array<number> = []
  let failed = 0
  let firstFailure: string | undefined
  const under: Array<Promise<void>> = []
  const begin = performance.now()
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = begin + (index * 1000) / perSecond
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    const sent = performance.now()
    under.push(
      adapter.call().then(
        () => {
          latencies.push(performance.now() - sent)
        },
        (error: unknown) => {
          failed += 1
          firstFailure ??= String(error)
        }
      )
    )
  }
  await Promise.all(under)
  return {
    failed,
    firstFailure,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: quantile(latencies, 1)
  }
}

const run = async (adapter: Adapter, job: Job): Promise<Result> => {
  switch (job.type) {
    case "calls":
      return adapter.calls(job.count, job.concurrency)
    case "steady":
      return steady(adapter, job.perSecond, job.seconds)
    case "cachedToken":
      await (adapter.cachedToken?.(job.count) ?? unsupported(job.type))
      return {}
    case "rows":
      return { rows: await (adapter.rows?.(job.consumer, job.pause) ?? unsupported(job.type)) }
    case "lookups":
      return { rows: await (adapter.lookups?.(job.count, job.way) ?? unsupported(job.type)) }
    case "tenants":
      await (adapter.tenants?.(job.count) ?? unsupported(job.type))
      return {}
  }
}

const megabyte = 1024 * 1024

const measure = async (adapter: Adapter, job: Job): Promise<Measure> => {
  collectGarbage()
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const result = await run(adapter, job)
  const milliseconds = performance.now() - begin
  const { system, user } = process.cpuUsage(cpu)
  const peakMemory = process.resourceUsage().maxRSS / 1024
  collectGarbage()
  return {
    failed: 0,
    firstFailure: undefined,
    p50: 0,
    p99: 0,
    max: 0,
    rows: 0,
    ...result,
    milliseconds,
    cpuMicroseconds: user + system,
    peakMemory,
    heap: process.memoryUsage().heapUsed / megabyte
  }
}

const adapter = await (await load(name))(target)
process.on("message", (job: Job) => {
  measure(adapter, job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) })
  )
})
process.on("disconnect", () => process.exit(0))
process.send?.({ ready: true })
