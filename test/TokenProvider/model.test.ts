/**
 * Random operations on four providers, checked against what the server knows. `ERPNET_TEST_SEED=<seed>` repeats a run;
 * `ERPNET_TEST_OPERATIONS` makes it longer.
 */
import { HttpClient, HttpClientError, type HttpClientResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Either, Exit, type Fiber, Layer, Redacted, Schedule, Scope } from "effect"
import { AccessToken, ErpNetError, Instance, TokenProvider, TrustedApplication } from "effect-erpnet"
import { type Random, runSeed, seeded } from "../support/random.ts"
import { synchronousResponse } from "../support/transport.ts"
import { makeVirtual, type Virtual } from "../support/virtual.ts"

const second = 1000
const keys = [0, 1, 2, 3] as const
const operationsPerEpisode = 250
const operations = Number(process.env["ERPNET_TEST_OPERATIONS"] ?? 12_000)

/** What the server issued, and when. */
interface Issued {
  readonly token: string
  readonly lifetime: number
  /** The client's clock when the request arrived, and when the answer left. */
  readonly sentAt: number
  readonly answeredAt: number
  /** Time really passed until the request arrived. */
  readonly sentElapsed: number
  /** How often the clock had been set when the request arrived. */
  readonly clockSets: number
}

type Behaviour =
  | { readonly _tag: "issue"; readonly lifetime: number; readonly delay: number }
  | { readonly _tag: "status"; readonly status: number; readonly delay: number; readonly retryAfter?: string }
  | { readonly _tag: "invalidClient" }
  | { readonly _tag: "reset" | "hang" | "die" | "interruptsItself" | "rubbish" }

interface Call {
  readonly what: "get" | "renew"
  readonly startedAt: number
  readonly operation: number
  readonly refused: string | undefined
  readonly fiber: Fiber.RuntimeFiber<AccessToken.AccessToken, ErpNetError.TokenError | ErpNetError.Unauthorized>
  interrupted: boolean
  exit: Exit.Exit<AccessToken.AccessToken, ErpNetError.TokenError | ErpNetError.Unauthorized> | undefined
}

const expiryOf = (issued: Issued): number => issued.sentAt + issued.lifetime
const freshUntil = (issued: Issued): number => expiryOf(issued) - Math.min(120 * second, issued.lifetime / 2)
const waitFrom = (issued: Issued): number => expiryOf(issued) - Math.min(60 * second, issued.lifetime / 2)

const randomBehaviour = (random: Random): Behaviour => {
  const roll = random.next()
  const delay = random.chance(0.4) ? 0 : random.pick([1, 40, 700, 3000, 12_000])
  if (roll < 0.72)
    return { _tag: "issue", lifetime: random.pick([1, 20, 100, 150, 300, 300, 3600, 3600]) * second, delay }
  if (roll < 0.82) {
    const status = random.pick([500, 502, 503, 429, 404, 302])
    return random.chance(0.3)
      ? { _tag: "status", status, delay, retryAfter: String(random.pick([1, 5, 45])) }
      : { _tag: "status", status, delay }
  }
  if (roll < 0.86) return { _tag: "invalidClient" }
  return { _tag: random.pick(["reset", "reset", "hang", "die", "interruptsItself", "rubbish"]) }
}

/** One provider, its identity server, and everything that is known about both. */
const makeSubject = (world: Virtual, key: number, fail: (what: string) => never) => {
  const retries = key % 2 === 1
  const name = `tenant${key}`
  const instance = Either.getOrThrow(Instance.make(name))
  const application = Either.getOrThrow(
    TrustedApplication.make({ clientId: `app/${key}`, clientSecret: Redacted.make(`secret-${key}`), scope: "read" })
  )
  const state = {
    behaviour: { _tag: "issue", lifetime: 3600 * second, delay: 0 } as Behaviour,
    issued: [] as Array<Issued>,
    calls: [] as Array<Call>,
    inFlight: 0,
    posts: 0,
    /** Tokens that some caller has said are refused, and the operation after which nobody may get them. */
    attempted: new Set<string>(),
    refused: new Map<string, number>(),
    clockSets: 0,
    failedAt: Number.NEGATIVE_INFINITY,
    invalidClientAt: Number.NEGATIVE_INFINITY,
    closing: false,
    operation: 0
  }
  let current: Issued | undefined

  const arrives = (): void => {
    state.posts += 1
    state.inFlight += 1
    if (state.inFlight > 1) fail(`${name}: ${state.inFlight} requests in flight`)
    if (state.closing) fail(`${name}: a request after the scope was closed`)
    const now = world.now()
    if (now >= state.invalidClientAt && now - state.invalidClientAt < 30 * second) {
      fail(`${name}: a request ${now - state.invalidClientAt} ms after invalid_client`)
    }
    state.invalidClientAt = Number.NEGATIVE_INFINITY
    if (current === undefined || state.attempted.has(current.token) || state.clockSets > current.clockSets) return
    if (now < freshUntil(current)) fail(`${name}: a request while ${current.token} is fresh`)
    if (!retries && now < waitFrom(current) && now - state.failedAt < 10 * second) {
      fail(`${name}: two renewals ahead of expiry within ${now - state.failedAt} ms`)
    }
  }

  const client = HttpClient.make((request) =>
    Effect.suspend(() => {
      arrives()
      const form = new TextDecoder().decode(request.body._tag === "Uint8Array" ? request.body.body : new Uint8Array())
      const expected = `grant_type=client_credentials&client_id=app%2F${key}&client_secret=secret-${key}&scope=read`
      if (form !== expected) fail(`${name}: the form is ${form}`)
      if (request.url !== instance.tokenEndpoint) fail(`${name}: the URL is ${request.url}`)
      const sentAt = world.now()
      const sentElapsed = world.elapsed()
      const clockSets = state.clockSets
      const behaviour = state.behaviour
      const failed = Effect.sync(() => {
        state.failedAt = world.now()
      })
      const answer = (): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.RequestError> => {
        switch (behaviour._tag) {
          case "issue":
            return Effect.as(
              Effect.sleep(behaviour.delay),
              synchronousResponse(
                request,
                200,
                JSON.stringify({ access_token: `${name}-${state.posts}`, expires_in: behaviour.lifetime / second })
              )
            )
          case "status":
            return Effect.as(
              Effect.zipRight(Effect.sleep(behaviour.delay), failed),
              synchronousResponse(
                request,
                behaviour.status,
                "<html>",
                behaviour.retryAfter === undefined ? {} : { "retry-after": behaviour.retryAfter }
              )
            )
          case "invalidClient":
            return Effect.sync(() => {
              state.failedAt = world.now()
              state.invalidClientAt = world.now()
              return synchronousResponse(request, 400, JSON.stringify({ error: "invalid_client" }))
            })
          case "reset":
            return Effect.zipRight(failed, new HttpClientError.RequestError({ request, reason: "Transport" }))
          case "rubbish":
            return Effect.as(failed, synchronousResponse(request, 200, "<html>"))
          case "hang":
            return Effect.never
          case "die":
            return Effect.zipRight(failed, Effect.die("boom"))
          case "interruptsItself":
            return Effect.zipRight(failed, Effect.interrupt)
        }
      }
      return answer().pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            state.inFlight -= 1
            if (Exit.isInterrupted(exit)) state.failedAt = world.now()
            if (!Exit.isSuccess(exit) || behaviour._tag !== "issue") return
            const issued: Issued = {
              token: `${name}-${state.posts}`,
              lifetime: behaviour.lifetime,
              sentAt,
              sentElapsed,
              answeredAt: world.now(),
              clockSets
            }
            state.issued.push(issued)
            // One that is dead on arrival replaces nothing.
            if (world.now() < expiryOf(issued)) current = issued
          })
        )
      )
    })
  )

  let scope = Effect.runSync(Scope.make())
  const open = (): TokenProvider.Service => {
    scope = Effect.runSync(Scope.make())
    state.closing = false
    const options = { instance, credentials: application }
    const exit = world.run(
      TokenProvider.make(retries ? options : { ...options, retryTransient: Schedule.recurs(0) }).pipe(
        Effect.provide(Layer.succeed(HttpClient.HttpClient, client)),
        Scope.extend(scope)
      )
    )
    if (!Exit.isSuccess(exit)) return fail(`${name}: no provider`)
    return exit.value
  }
  let service = open()

  const finished = (call: Call, exit: NonNullable<Call["exit"]>): void => {
    call.exit = exit
    const now = world.now()
    if (Exit.isSuccess(exit)) {
      const token = Redacted.value(exit.value.value)
      const issued = state.issued.find((candidate) => candidate.token === token)
      if (issued === undefined) throw fail(`${name}: ${token} was never issued here`)
      if (now >= exit.value.expiresAt) fail(`${name}: ${token} was handed out past its expiry`)
      if (state.clockSets === issued.clockSets) {
        if (exit.value.expiresAt !== expiryOf(issued)) fail(`${name}: the life of ${token} is not counted from sending`)
        if (world.elapsed() >= issued.sentElapsed + issued.lifetime) fail(`${name}: ${token} is dead on the server`)
      }
      if (token === call.refused) fail(`${name}: renew gave ${token} back`)
      const refusedIn = state.refused.get(token)
      if (refusedIn !== undefined && refusedIn < call.operation) {
        fail(`${name}: ${token} was refused in operation ${refusedIn}, handed out to a call of ${call.operation}`)
      }
      return
    }
    const error = Cause.failureOption(exit.cause)
    if (error._tag === "Some") {
      if (error.value._tag === "Unauthorized") {
        const issued = state.issued.find((candidate) => candidate.token === call.refused)
        if (call.what === "get" || issued === undefined) throw fail(`${name}: Unauthorized out of nothing`)
        if (now - issued.answeredAt >= 30 * second && state.clockSets === issued.clockSets) {
          fail(`${name}: ${issued.token} is old enough to be renewed`)
        }
        return
      }
      if (!ErpNetError.isTokenError(error.value)) fail(`${name}: ${String(error.value)}`)
      if (error.value._tag === "TokenEndpointUnavailable" && error.value.reason === "closed" && !state.closing) {
        fail(`${name}: closed without being closed`)
      }
      return
    }
    if (Cause.isInterruptedOnly(exit.cause)) {
      if (!call.interrupted) fail(`${name}: a caller was interrupted that nobody interrupted`)
      return
    }
    if (![...Cause.defects(exit.cause)].every((defect) => defect instanceof Error && defect.message === "boom")) {
      fail(`${name}: ${Cause.pretty(exit.cause)}`)
    }
  }

  const call = (what: Call["what"], refused: AccessToken.AccessToken | undefined): void => {
    if (refused !== undefined) state.attempted.add(Redacted.value(refused.value))
    const entry: Call = {
      what,
      startedAt: world.elapsed(),
      operation: state.operation,
      refused: refused === undefined ? undefined : Redacted.value(refused.value),
      fiber: world.fork<AccessToken.AccessToken, ErpNetError.TokenError | ErpNetError.Unauthorized>(
        refused === undefined ? service.get : service.renew(refused)
      ),
      interrupted: false,
      exit: undefined
    }
    entry.fiber.addObserver((exit) => finished(entry, exit))
    state.calls.push(entry)
  }

  /** After a round: what is known now, and who has waited too long. */
  const check = (): void => {
    for (const entry of state.calls) {
      if (entry.refused !== undefined && !state.refused.has(entry.refused) && !entry.interrupted) {
        const error =
          entry.exit === undefined
            ? undefined
            : Exit.isFailure(entry.exit)
              ? Cause.failureOption(entry.exit.cause)
              : undefined
        const isKept = error?._tag === "Some" && error.value._tag === "Unauthorized"
        if (!isKept) state.refused.set(entry.refused, state.operation)
      }
      if (entry.interrupted && entry.exit === undefined) fail(`${name}: interrupting a caller takes time`)
    }
    state.calls = state.calls.filter((entry) => entry.exit === undefined)
    for (const entry of state.calls) {
      if (world.elapsed() - entry.startedAt > 46 * second) fail(`${name}: a caller waits for ever`)
    }
  }

  return {
    name,
    state,
    call,
    check,
    current: () => current,
    close: () => {
      const waiting = state.calls.length
      state.closing = true
      world.run(Scope.close(scope, Exit.void))
      if (state.calls.slice(0, waiting).some((entry) => entry.exit === undefined))
        fail(`${name}: closing leaves waiters`)
      if (state.inFlight !== 0) fail(`${name}: closing leaves a request in flight`)
      const late = world.run(Effect.flip(service.get))
      if (!Exit.isSuccess(late) || late.value._tag !== "TokenEndpointUnavailable" || late.value.reason !== "closed") {
        fail(`${name}: a call after closing ends with ${String(late)}`)
      }
      current = undefined
      state.attempted.clear()
      state.invalidClientAt = Number.NEGATIVE_INFINITY
      state.failedAt = Number.NEGATIVE_INFINITY
      service = open()
    }
  }
}

const tokenOf = (issued: Issued): AccessToken.AccessToken =>
  AccessToken.make({
    value: Redacted.make(issued.token),
    scopes: ["read"],
    issuedAt: issued.sentAt,
    expiresAt: expiryOf(issued)
  })

const episode = (seed: number, count: number): { readonly operations: number; readonly posts: number } => {
  const random = seeded(seed)
  const world = makeVirtual(random)
  const log: Array<string> = []
  let done = 0
  let problem: string | undefined
  const fail = (what: string): never => {
    problem ??= what
    throw new Error(what)
  }
  const subjects = keys.map((key) => makeSubject(world, key, fail))
  let subject = random.pick(subjects)
  const verify = (): void => {
    if (problem !== undefined) throw new Error(`${problem}\n  last operations:\n  ${log.slice(-25).join("\n  ")}`)
  }
  const note = (text: string): void => {
    done += 1
    log.push(`${done} at ${world.elapsed()}: ${text}`)
  }
  try {
    while (done < count) {
      // Mostly the same one again, so that operations meet.
      if (random.chance(0.25)) subject = random.pick(subjects)
      const { state } = subject
      for (const other of subjects) other.state.operation = done
      const roll = random.next()
      if (roll < 0.5) {
        for (let n = random.chance(0.3) ? random.below(8) : 0; n >= 0; n--) {
          const kind = random.next()
          const current = subject.current()
          if (kind < 0.75 || current === undefined) {
            note(`${subject.name} get`)
            subject.call("get", undefined)
          } else if (kind < 0.88) {
            note(`${subject.name} renew of the current ${current.token}`)
            subject.call("renew", tokenOf(current))
          } else if (kind < 0.95) {
            const old = random.pick(state.issued)
            note(`${subject.name} renew of ${old.token}`)
            subject.call("renew", tokenOf(old))
          } else {
            const foreign = random.pick(subjects.filter((other) => other.state !== state)).state.issued[0]
            if (foreign === undefined) continue
            note(`${subject.name} renew of the foreign ${foreign.token}`)
            subject.call("renew", tokenOf(foreign))
          }
        }
      } else if (roll < 0.72) {
        const current = subject.current()
        const near = current === undefined ? 0 : random.pick([freshUntil, waitFrom, expiryOf])(current) - world.now()
        const millis =
          random.chance(0.5) && near > 0
            ? Math.max(0, near + random.pick([-1, 0, 1, 5000]))
            : random.pick([1, 100, 1000, 5000, 10_000, 31_000, 60_000, 240_000, 3_600_000])
        note(`advance ${millis} ms`)
        world.advance(millis)
      } else if (roll < 0.77) {
        // Into the last two minutes of the token, where most can go wrong, with many callers at once.
        const current = subject.current()
        if (current === undefined) continue
        state.behaviour = randomBehaviour(random)
        const millis = Math.max(0, expiryOf(current) - random.below(125 * second) - world.now())
        note(`advance ${millis} ms, server: ${JSON.stringify(state.behaviour)}, many gets`)
        world.advance(Math.min(millis, 4_000_000))
        for (let n = random.below(6); n >= 0; n--) subject.call("get", undefined)
        if (random.chance(0.3)) subject.call("renew", tokenOf(current))
        for (let n = random.below(3); n >= 0; n--) subject.call("get", undefined)
      } else if (roll < 0.9) {
        state.behaviour = randomBehaviour(random)
        note(`${subject.name} server: ${JSON.stringify(state.behaviour)}`)
      } else if (roll < 0.97) {
        const waiting = state.calls.filter((call) => call.exit === undefined)
        if (waiting.length === 0) continue
        const call = random.pick(waiting)
        note(`${subject.name} interrupt a caller`)
        call.interrupted = true
        call.fiber.unsafeInterruptAsFork(call.fiber.id())
      } else if (roll < 0.985) {
        const millis = random.pick([-3_600_000, -61_000, -10_000, -1000, 1000, 7_200_000])
        note(`set the clock by ${millis} ms`)
        world.setClock(millis)
        for (const other of subjects) other.state.clockSets += 1
      } else {
        note(`${subject.name} close and open`)
        subject.close()
      }
      world.settle()
      verify()
      for (const other of subjects) other.check()
      verify()
    }
    world.advance(120 * second)
    for (const subject of subjects) {
      subject.check()
      if (subject.state.calls.length > 0) fail(`${subject.name}: callers are left waiting`)
      if (subject.state.inFlight > 0) fail(`${subject.name}: a request is left in flight`)
    }
    verify()
    if (world.pendingSleeps() > 0) fail(`${world.pendingSleeps()} timers are left when idle`)
    if (world.liveFibers() > 0) fail(`${world.liveFibers()} fibers are left when idle`)
    for (const subject of subjects) subject.close()
    verify()
  } catch (error) {
    const text = problem ?? String(error)
    throw new Error(
      `${text}\n  repeat with ERPNET_TEST_SEED=${seed}\n  last operations:\n  ${log.slice(-25).join("\n  ")}`,
      { cause: error }
    )
  }
  return { operations: done, posts: subjects.reduce((sum, subject) => sum + subject.state.posts, 0) }
}

describe("TokenProvider under random operations", () => {
  it(`keeps its promises over ${operations} operations`, { timeout: 60_000 }, () => {
    const first = runSeed()
    console.log(`TokenProvider.model: first seed ${first}`)
    let total = 0
    let posts = 0
    for (let seed = first; total < operations; seed++) {
      const result = episode(seed >>> 0, operationsPerEpisode)
      total += result.operations
      posts += result.posts
    }
    assert.isAtLeast(total, operations)
    assert.isAtLeast(posts, operations / 50, "the run exercises exchanges at all")
  })
})
