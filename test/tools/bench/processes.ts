/** The processes of the benchmark: bounded in time, and gone when their parent is. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { AdapterName } from "./adapters/index.ts"
import type { Counters, Job, Measure, ServerCommand, Settings, Target } from "./protocol.ts"

const children = new Set<ChildProcess>()
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1))

const start = (script: string, args: ReadonlyArray<string>, execArgv: ReadonlyArray<string>): ChildProcess => {
  const child = fork(script, [...args], { execArgv: [...execArgv], stdio: ["ignore", "inherit", "inherit", "ipc"] })
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

/** Ends a child: politely, so that it can write its profile, then not. */
const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, "exit")
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill("SIGKILL"), 5000)
  await gone
  clearTimeout(timer)
}

/** The next message of a child, after something was sent to it; fails where the child ends or takes too long. */
const next = <A>(child: ChildProcess, message: ServerCommand | Job | undefined, limit: number): Promise<A> =>
  new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      clearTimeout(timer)
      child.off("message", onMessage)
      child.off("exit", onExit)
      then()
    }
    const onMessage = (answer: unknown): void => settle(() => resolve(answer as A))
    const onExit = (): void => settle(() => reject(new Error("the process ended before it answered")))
    const timer = setTimeout(() => settle(() => reject(new Error(`no answer in ${limit} ms`))), limit)
    child.on("message", onMessage)
    child.on("exit", onExit)
    if (message !== undefined) child.send(message)
  })

/** The loopback server. */
export interface Server {
  readonly target: Target
  readonly reset: (settings: Settings) => Promise<Counters>
  readonly revokeAll: () => Promise<Counters>
  /** The counters since the last reading or reset, which start again at zero. */
  readonly read: () => Promise<Counters>
  readonly stop: () => Promise<void>
}

/** Starts the loopback server. */
export const startServer = async (directory: string): Promise<Server> => {
  const child = start(join(directory, "server.mjs"), [], [])
  const address = await next<Omit<Target, "shortTokens">>(child, undefined, 10_000)
  return {
    target: { ...address, shortTokens: false },
    reset: (settings) => next(child, { type: "reset", settings }, 10_000),
    revokeAll: () => next(child, { type: "revokeAll" }, 10_000),
    read: () => next(child, { type: "read" }, 10_000),
    stop: () => stop(child)
  }
}

/** A client process. */
export interface Client {
  readonly run: (job: Job) => Promise<Measure>
}

/** Longer than any job takes. */
const jobLimit = 180_000

/** Uses a client process, which is ended whatever comes of it. */
export const withClient = async <A>(
  directory: string,
  adapter: AdapterName,
  target: Target,
  execArgv: ReadonlyArray<string>,
  use: (client: Client) => Promise<A>
): Promise<A> => {
  const args = [adapter, target.origin, target.staticToken, target.shortTokens ? "shortTokens" : ""]
  const child = start(join(directory, "client.mjs"), args, execArgv)
  try {
    await next(child, undefined, 30_000)
    return await use({
      run: async (job) => {
        const answer = await next<{ readonly result: Measure } | { readonly error: string }>(child, job, jobLimit)
        if ("error" in answer) throw new Error(answer.error)
        return answer.result
      }
    })
  } finally {
    await stop(child)
  }
}
