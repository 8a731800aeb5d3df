/**
 * The embedded instance without a transport: a request goes in, a reply comes out. In memory and on a socket it is
 * this same program.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Redacted from "effect/Redacted"
import type * as Instance from "../../Instance.ts"
import type { TrustedApplication } from "../../TrustedApplication.ts"
import { day, firstDay, lastDay } from "../data/period.ts"
import type { EditableDomain } from "../engine/domain.ts"
import * as Application from "../identity/application.ts"
import * as Bearer from "../identity/bearer.ts"
import type * as Issuer from "../identity/issuer.ts"
import * as SignIns from "../identity/signIns.ts"
import * as Tokens from "../identity/tokens.ts"
import * as User from "../identity/user.ts"
import type { DomainRequest } from "../model/types.ts"
import * as Authorize from "./authorize.ts"
import * as Cors from "./cors.ts"
import * as ErrorBody from "./errorBody.ts"
import * as Fault from "./fault.ts"
import * as Http from "./http.ts"
import * as Journal from "./journal.ts"
import { type Latency, type Settings, wholeSeconds } from "./options.ts"
import * as People from "./people.ts"
import * as Random from "./random.ts"
import * as Sessions from "./sessions.ts"
import * as Site from "./site.ts"
import * as TokenEndpoint from "./tokenEndpoint.ts"

/**
 * What has happened so far, and what is open now.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counters {
  /** Requests to the token endpoint. */
  readonly tokenRequests: number
  /** Requests under the OData service root. */
  readonly apiRequests: number
  /** Sessions open now. */
  readonly sessions: number
  /** Licences in use now: one for each session. */
  readonly licencesUsed: number
  /** API transactions open now. */
  readonly transactions: number
}

/**
 * Reads and changes the rows of the instance from outside.
 *
 * @category models
 * @since 0.1.0
 */
export type Data = Omit<EditableDomain, "handle" | "waits" | "describe" | "endSession" | "transactions">

/**
 * A reference token to issue.
 *
 * @category options
 * @since 0.1.0
 */
export interface ReferenceTokenOptions {
  /** The `applicationUri` of the Trusted Application that it belongs to. */
  readonly clientId: string
  /**
   * What the token may do, separated by blanks.
   *
   * @default the scope of the Trusted Application
   */
  readonly scope?: string | undefined
  /**
   * `SAT` acts as the system user of the application, `PAT` as a person.
   *
   * @default "SAT"
   */
  readonly kind?: "PAT" | "SAT" | undefined
  /** How long it lives; without an end by default. */
  readonly lifetime?: Duration.DurationInput | undefined
}

/**
 * Who goes through the sign-in pages, and what that person does there.
 *
 * @category options
 * @since 0.2.0
 */
export interface AuthorizeOptions {
  /** The login of the person. */
  readonly login: string
  /**
   * `allow` signs in and agrees, `deny` refuses the application, `cancel` leaves the sign-in page.
   *
   * @default "allow"
   */
  readonly decision?: Authorize.Decision | undefined
}

/**
 * Controls and inspects the embedded instance.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service {
  /** Scheme, host and port, without a trailing slash. */
  readonly origin: string
  /** Where its endpoints are. */
  readonly instance: Instance.Instance
  /**
   * The credentials of the first Trusted Application of the options that has a secret, with all its scopes: without the
   * option, those of the demo application. A secret that is rotated later is not followed.
   */
  readonly credentials: TrustedApplication
  /** Revokes every token issued so far: the API answers 401 `invalid_token` to them. */
  readonly revokeTokens: Effect.Effect<void>
  /** Revokes the tokens with this fingerprint, or those chosen, and tells how many there were. */
  readonly revokeToken: (which: string | ((token: Tokens.IssuedToken) => boolean)) => Effect.Effect<number>
  /** Lets every token issued so far expire now: the API answers 401 and says when it expired. */
  readonly expireTokens: Effect.Effect<void>
  /** Gives the application another secret; the old one stops working at once. */
  readonly rotateSecret: (clientId: string, secret: Redacted.Redacted) => Effect.Effect<void>
  /** Changes a Trusted Application. Tokens already issued keep their scopes. */
  readonly updateApplication: (
    clientId: string,
    patch: Partial<Omit<Application.Application, "applicationUri">>
  ) => Effect.Effect<void>
  /** Adds a Trusted Application, or replaces the one with the same `applicationUri`. */
  readonly registerApplication: (application: Application.Application) => Effect.Effect<void>
  /** Sets `isEnabled` to false: the kill switch. */
  readonly disable: (clientId: string) => Effect.Effect<void>
  /** Sets `isEnabled` to true. */
  readonly enable: (clientId: string) => Effect.Effect<void>
  /** Issues a reference token by hand, as an administrator would. */
  readonly issueReferenceToken: (options: ReferenceTokenOptions) => Effect.Effect<Redacted.Redacted>
  /** Revokes a reference token. */
  readonly revokeReferenceToken: (token: Redacted.Redacted) => Effect.Effect<void>
  /**
   * Takes a person through the sign-in pages without a browser, and gives the address that a browser would be sent
   * back to. A person who has signed in before stays signed in. A request that the identity server does not send back
   * to the application is a defect.
   */
  readonly authorize: (url: string | URL, options: AuthorizeOptions) => Effect.Effect<URL>
  /** Revokes the refresh tokens of a person, and tells how many there were. */
  readonly revokeRefreshTokens: (login: string) => Effect.Effect<number>
  /** Gives the person another password, chosen here where none is given: refresh tokens issued so far stop working. */
  readonly changePassword: (login: string, password?: Redacted.Redacted) => Effect.Effect<void>
  /** Ends all sessions of a person, as signing out everywhere does: refresh tokens stop working, licences are free. */
  readonly signOutUser: (login: string) => Effect.Effect<void>
  /** Executes the next request to the endpoint, and loses the answer: the connection is reset. */
  readonly loseNextAnswer: (endpoint: Fault.Endpoint) => Effect.Effect<void>
  /** Answers 401 `invalid_token` to every API request, or to those whose path is chosen; `false` ends it. */
  readonly alwaysUnauthorized: (when: boolean | ((path: string) => boolean)) => Effect.Effect<void>
  /** Lets the next requests to an endpoint meet a fault. Faults are met in the order in which they were planned. */
  readonly failNext: (
    endpoint: Fault.Endpoint,
    fault: Fault.Fault,
    times?: number,
    options?: {
      /** How many requests to the endpoint are answered normally before. */
      readonly after?: number | undefined
    }
  ) => Effect.Effect<void>
  /** Asks a function for the fault of every request that meets no planned one; `undefined` is none. */
  readonly failWhen: (choose: (request: Fault.FaultRequest) => Fault.Fault | undefined) => Effect.Effect<void>
  /** Forgets the faults that no request has met yet, and the function of `failWhen`. */
  readonly clearFaults: Effect.Effect<void>
  /** Closes every session, as a restart of the server does: licences are free, open transactions are lost. */
  readonly endSessions: Effect.Effect<void>
  /** Sets how many sessions may be open at once; those open stay open. */
  readonly setLicences: (licences: number) => Effect.Effect<void>
  /** Sets how long answers take; what is not named takes no time. */
  readonly setLatency: (latency: Latency) => Effect.Effect<void>
  /** Sets how many milliseconds the clock of the instance is ahead of the `Clock`; negative is behind. */
  readonly setClockOffset: (milliseconds: number) => Effect.Effect<void>
  /** Sets the server version, such as `27.1.0.1`. */
  readonly setVersion: (version: string) => Effect.Effect<void>
  /** The requests received so far, the oldest first. */
  readonly journal: Effect.Effect<ReadonlyArray<Journal.JournalEntry>>
  /** Forgets the requests received so far. */
  readonly clearJournal: Effect.Effect<void>
  /** The rows of the instance, to change them as another user would. */
  readonly data: Effect.Effect<Data>
  /** What has happened so far, and what is open now. */
  readonly counters: Effect.Effect<Counters>
}

/** An embedded instance, ready to be put behind a transport. */
export interface App {
  readonly service: Service
  readonly respond: (request: Http.Request) => Effect.Effect<Answer, Http.ConnectionCut>
  /** Writes a request down that never reached the instance, such as one for another host. */
  readonly missed: (request: Http.Request) => Effect.Effect<void>
}

/** A reply that is being sent to the client. */
export interface Answer {
  readonly reply: Http.Reply
  /** Writes down that the client disconnected before the body was complete. */
  readonly aborted: () => void
}

const tokenPath = "/id/connect/token"
const odataPath = "/api/domain/odata/"

const endpointOf = (path: string): Fault.Endpoint | "other" => {
  if (path === tokenPath) return "token"
  if (path.startsWith("/api/")) return "api"
  return path.endsWith("/auto-discovery") || path.startsWith("/id/.well-known/") ? "discovery" : "other"
}

/** How long `WaitForChanges` waits. */
const longestWait = Duration.minutes(2)

const isOData = (path: string): boolean => `${path}/`.startsWith(odataPath)

const isRead = (method: string): boolean => method === "GET" || method === "HEAD"

/** ERP.net answers OData with these, whatever the engine says. */
const odataHeaders = {
  "content-type": "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
  "odata-version": "4.0"
}

/**
 * `makeDomain` is called once, with the first request that needs data: generating it takes time, and not every test
 * needs it.
 */
export const make = (settings: Settings, instance: Instance.Instance, makeDomain: () => EditableDomain): App => {
  const issuer = `${instance.origin}/id`
  const random = Random.make(settings.seed)
  const tokens = Tokens.make()
  const faults = Fault.make()
  const journal = Journal.make(settings.journalLimit)
  let engineOf: EditableDomain | undefined
  const domain = (): EditableDomain => {
    engineOf ??= makeDomain()
    return engineOf
  }
  const sessions = Sessions.make(settings, (session) => engineOf?.endSession(session))
  const applications = new Map(
    settings.applications.map((application) => [application.applicationUri, Application.register(application)])
  )
  let version = settings.version
  let latency = settings.latency
  let clockOffset = settings.clockOffset
  /** The time of the instance. */
  const currentTime = Effect.map(Clock.currentTimeMillis, (now) => now + clockOffset)
  let unauthorized: (path: string) => boolean = () => false
  const count = { token: 0, api: 0 }

  const signIns = SignIns.make(settings.users, random.hex)
  const issuing: Issuer.Issuer = {
    issuer,
    database: Site.database(settings),
    lifetimeSeconds: settings.lifetimeSeconds,
    tokens,
    hex: random.hex
  }
  /** What the identity server looks up, at this moment. */
  const identity = (now: number): TokenEndpoint.TokenEndpoint & Authorize.Authorize => ({
    settings,
    origin: instance.origin,
    now,
    application: (clientId) => applications.get(clientId),
    issuer: issuing,
    signIns
  })

  const endSessions = (chosen: (session: SignIns.Session) => boolean): void => {
    for (const { sid } of signIns.endWhere(chosen)) endOne(sid)
  }
  const endOne = (sid: string): void => {
    signIns.revokeRefreshTokens((token) => token.sid === sid)
    sessions.close(sid)
  }

  const token = (request: Http.Request, body: string): Effect.Effect<Http.WholeReply> =>
    Effect.gen(function* () {
      if (latency.token !== undefined) yield* Effect.sleep(latency.token)
      const { headers, method } = request
      return TokenEndpoint.respond(identity(yield* currentTime), { method, headers, body })
    })

  /** The rest of the identity server, and the profile; `undefined` is another address. */
  const people = (request: Http.Request, body: string, now: number): Http.WholeReply | undefined => {
    const { headers, method, url } = request
    const self = identity(now)
    const caller = () => Bearer.authenticate(headers, check(now, `${issuer}/resources`))
    switch (url.pathname) {
      case "/id/connect/revocation":
        return settings.identity.revocation ? TokenEndpoint.revoke(self, { method, headers, body }) : undefined
      case "/id/connect/userinfo":
        return People.userinfo(self, caller())
      case "/profile/me":
        return People.profile(self, caller())
    }
    const page: Authorize.PageRequest = { method, path: url.pathname, query: url.searchParams, headers, body }
    const end = (sid: string): void => {
      endSessions((session) => session.sid === sid)
      endOne(sid)
    }
    return Authorize.respond(self, page) ?? People.respond(self, page, end)
  }

  const permits = (issued: Tokens.IssuedToken): boolean => {
    if (issued.kind === "access" && settings.disabledApplicationTokens === "accepted") return true
    return applications.get(issued.clientId)?.isEnabled === true
  }

  const check = (now: number, audience?: string): Bearer.Check => ({
    issuer,
    now,
    clockSkewMillis: settings.clockSkewMillis,
    severalCredentials: settings.severalCredentials,
    tokens,
    permits,
    audience
  })

  const challenge = (refusal: Bearer.Refusal): Http.WholeReply => {
    const basic = [...applications.values()].some((application) => application.basicAuthenticationAllowed === true)
    return Http.empty(refusal.status, {
      "www-authenticate": basic ? `${refusal.challenge}, Basic realm="${new URL(issuer).host}"` : refusal.challenge
    })
  }

  const scopeRefusal = (principal: Bearer.Principal, method: string, path: string): Http.WholeReply | undefined => {
    const may = (scope: string) => principal.scopes.includes(scope)
    // a batch holds reads and writes; the engine looks at each
    if (method === "POST" && path === "$batch") return may("read") || may("update") ? undefined : Http.empty(403)
    if (may(isRead(method) ? "read" : "update")) return undefined
    return isRead(method) || settings.readOnlyWrite === 403 ? Http.empty(403) : ErrorBody.permission(settings)
  }

  /** Done as soon as another request has been executed; then there is a new one. */
  let executed = Deferred.unsafeMake<void>(FiberId.none)

  const wake = (): void => {
    Deferred.unsafeDone(executed, Exit.void)
    executed = Deferred.unsafeMake(FiberId.none)
  }

  const execute = (request: DomainRequest): Effect.Effect<Http.WholeReply> =>
    Effect.sync(() => {
      const reply = domain().handle(request)
      wake()
      const headers = reply.body === "" ? { "odata-version": "4.0" } : odataHeaders
      return Http.text(reply.status, { ...headers, ...reply.headers }, reply.body)
    })

  /** Holds a request back while it has nothing to answer: `WaitForChanges`, for up to two minutes. */
  const whenReady = (request: () => DomainRequest): Effect.Effect<void> =>
    Effect.suspend(() =>
      domain().waits(request()) ? Effect.flatMap(Deferred.await(executed), () => whenReady(request)) : Effect.void
    )

  const engine = (
    request: Http.Request,
    path: string,
    body: string,
    principal: Bearer.Principal,
    session: string
  ): Effect.Effect<Http.WholeReply> =>
    Effect.gen(function* () {
      const clock = yield* Effect.clock
      const received = (): DomainRequest => ({
        method: request.method,
        path,
        query: request.url.search.slice(1),
        headers: request.headers,
        body,
        scopes: principal.scopes,
        now: clock.unsafeCurrentTimeMillis() + clockOffset,
        serviceRoot: instance.odata,
        version,
        session,
        user: principal.login ?? applications.get(principal.clientId)?.systemUser
      })
      if (domain().waits(received())) yield* Effect.timeoutOption(whenReady(received), longestWait)
      return yield* execute(received())
    })

  const api = (request: Http.Request, body: string): Effect.Effect<Http.WholeReply> =>
    Effect.flatMap(currentTime, (now) => {
      if (unauthorized(request.url.pathname)) {
        return Effect.succeed(challenge({ status: 401, challenge: `Bearer error="invalid_token"` }))
      }
      const principal = Bearer.authenticate(request.headers, check(now))
      if (Bearer.isRefusal(principal)) return Effect.succeed(challenge(principal))
      const path = request.url.pathname.slice(odataPath.length)
      const refusal = scopeRefusal(principal, request.method, decodePath(path))
      if (refusal !== undefined) return Effect.succeed(refusal)
      const run = (session: string): Effect.Effect<Http.WholeReply> => {
        const answer = engine(request, path, body, principal, session)
        return latency.api === undefined ? answer : Effect.delay(answer, latency.api)
      }
      return sessions
        .within(principal.session, principal.service, run)
        .pipe(
          Effect.catchAll((reason) =>
            Effect.succeed(reason === "NoLicence" ? ErrorBody.noLicence(settings, version) : rateLimited)
          )
        )
    })

  const retryAfter = settings.rateLimits?.retryAfter
  const rateLimited = Http.empty(429, retryAfter === undefined ? {} : { "retry-after": String(retryAfter) })

  /** The model pages. `standardmodel` is for anyone, `currentmodel` for who may read. */
  const modelPage = (request: Http.Request) => {
    const [, page, set] =
      /^\/api\/domain\/(standardmodel|currentmodel)(?:\/(\w+))?\/?$/.exec(request.url.pathname) ?? []
    if (page !== "standardmodel" && page !== "currentmodel") return undefined
    const details = request.url.searchParams.get("details")?.toLowerCase() === "true"
    return {
      isAnonymous: page === "standardmodel",
      answer: (): Http.WholeReply => {
        if (!isRead(request.method)) return Http.empty(405, { allow: "GET, HEAD" })
        const text = domain().describe(page, set, details, version)
        return text === undefined
          ? Http.json(404, { message: `There is no entity set '${set}'.` })
          : Http.text(200, { "content-type": "application/json; charset=utf-8" }, text)
      }
    }
  }

  const described = (request: Http.Request, answer: () => Http.WholeReply): Effect.Effect<Http.WholeReply> =>
    Effect.map(currentTime, (now) => {
      const principal = Bearer.authenticate(request.headers, check(now))
      if (Bearer.isRefusal(principal)) return challenge(principal)
      return principal.scopes.includes("read") ? answer() : Http.empty(403)
    })

  const handle = (request: Http.Request, body: string): Effect.Effect<Http.WholeReply> =>
    Effect.flatMap(currentTime, (now) => {
      const { cors } = settings.identity
      const allowed = Cors.allows(cors, applications.values(), request.headers["origin"])
      const preflight = Cors.preflight(request, allowed)
      if (preflight !== undefined) return Effect.succeed(preflight)
      return Effect.map(route(request, body, now), (reply) => Cors.readable(cors, request, reply, allowed))
    }).pipe(Effect.catchAllDefect((error) => Effect.succeed(ErrorBody.defect(settings, error))))

  const route = (request: Http.Request, body: string, now: number): Effect.Effect<Http.WholeReply> => {
    const path = request.url.pathname
    if (path === tokenPath) return token(request, body)
    if (isOData(path)) return api(request, body)
    const page = modelPage(request)
    if (page !== undefined) return page.isAnonymous ? Effect.sync(page.answer) : described(request, page.answer)
    const site: Site.Site = { settings, origin: instance.origin, issuer, odata: instance.odata, version }
    return Effect.succeed(
      Site.respond(site, request.method, request.url) ??
        people(request, body, now) ??
        Http.text(404, { "content-type": "text/plain; charset=utf-8" }, "Not Found")
    )
  }

  /** What the web server in front does to every answer. */
  const transferred = (
    request: Http.Request,
    answer: Effect.Effect<Http.WholeReply>
  ): Effect.Effect<Http.WholeReply> => {
    if (request.url.href.length > settings.maxUrlLength) return Effect.succeed(Fault.longUrl(settings.longUrlStatus))
    const encoding =
      settings.compression === "accepted" ? Fault.acceptedEncoding(request.headers["accept-encoding"]) : undefined
    if (encoding === undefined) return answer
    return Effect.map(answer, (reply) => (reply.body.length === 0 ? reply : Fault.compress(reply, encoding)))
  }

  // A test clock begins in 1970, long before the times of the seeded rows, which no present can precede.
  const presentAt = (now: number): number => (now < firstDay ? lastDay + day + now : now)

  const dated = (reply: Http.Reply, now: number): Http.Reply =>
    !settings.dateHeader || reply.headers["date"] !== undefined
      ? reply
      : { ...reply, headers: { ...reply.headers, date: new Date(presentAt(now)).toUTCString() } }

  const respond = (request: Http.Request): Effect.Effect<Answer, Http.ConnectionCut> =>
    Effect.flatMap(currentTime, (now) => {
      const endpoint = endpointOf(request.url.pathname)
      const secret = endpoint === "token" || request.url.pathname.startsWith("/id/")
      const entry = journal.open(request, now, secret)
      if (endpoint === "token") count.token++
      if (isOData(request.url.pathname)) count.api++
      const { pathname: path, search } = request.url
      const fault = faults.take({ endpoint, method: request.method, path, query: search.slice(1) })
      return request.body.pipe(
        Effect.tap((body) => Effect.sync(() => entry.received(body))),
        Effect.flatMap((body) => Fault.apply(fault, transferred(request, handle(request, Http.decode(body))))),
        Effect.map((reply) => {
          entry.answered(reply.status)
          return { reply: dated(reply, now), aborted: entry.aborted }
        }),
        Effect.onInterrupt(() => Effect.sync(entry.aborted))
      )
    })

  const change = (clientId: string, patch: Partial<Application.Application>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const current = applications.get(clientId)
      if (current === undefined) return Effect.dieMessage(`No Trusted Application has the ApplicationUri ${clientId}`)
      applications.set(clientId, Application.register({ ...current, ...patch, applicationUri: clientId }))
      return Effect.void
    })

  const service: Service = {
    origin: instance.origin,
    instance,
    credentials: Application.credentialsOf(settings.applications),
    revokeTokens: Effect.sync(() => void tokens.mark({ _tag: "Revoked" }, () => true)),
    revokeToken: (which) =>
      Effect.sync(() =>
        tokens.mark({ _tag: "Revoked" }, typeof which === "string" ? (issued) => issued.fingerprint === which : which)
      ),
    expireTokens: Effect.map(currentTime, (at) => void tokens.mark({ _tag: "Expired", at }, () => true)),
    rotateSecret: (clientId, secret) => change(clientId, { secret }),
    updateApplication: change,
    registerApplication: (application) =>
      Effect.sync(() => void applications.set(application.applicationUri, Application.register(application))),
    disable: (clientId) => change(clientId, { isEnabled: false }),
    enable: (clientId) => change(clientId, { isEnabled: true }),
    issueReferenceToken: (options) =>
      Effect.flatMap(currentTime, (now) => {
        const application = applications.get(options.clientId)
        if (application === undefined) {
          return Effect.dieMessage(`No Trusted Application has the ApplicationUri ${options.clientId}`)
        }
        const value = `enrt_${random.hex(64)}`
        tokens.add(Tokens.digest(value), {
          kind: options.kind ?? "SAT",
          fingerprint: Tokens.fingerprint(value),
          clientId: options.clientId,
          scopes: Application.scopesOf(options.scope ?? application.scope),
          issuedAt: now,
          expiresAt:
            options.lifetime === undefined ? Number.POSITIVE_INFINITY : now + wholeSeconds(options.lifetime) * 1000
        })
        return Effect.succeed(Redacted.make(value))
      }),
    revokeReferenceToken: (reference) =>
      Effect.sync(() => {
        const fingerprint = Tokens.fingerprint(Redacted.value(reference))
        tokens.mark({ _tag: "Revoked" }, (issued) => issued.kind !== "access" && issued.fingerprint === fingerprint)
      }),
    authorize: (url, { decision = "allow", login }) =>
      Effect.flatMap(currentTime, (now) => {
        const result = Authorize.decide(identity(now), new URL(url), login, decision)
        return typeof result === "string" ? Effect.dieMessage(result) : Effect.succeed(new URL(result.callback))
      }),
    revokeRefreshTokens: (login) => Effect.sync(() => signIns.revokeRefreshTokens((one) => one.login === login)),
    changePassword: (login, password) =>
      Effect.suspend(() => {
        const user = signIns.user(login)
        if (user === undefined) return Effect.dieMessage(`No person has the login ${login}`)
        signIns.setUser(User.register({ ...user, password: password ?? Redacted.make(random.hex(32)) }))
        signIns.revokeRefreshTokens((one) => one.login === login)
        return Effect.void
      }),
    signOutUser: (login) =>
      Effect.sync(() => {
        endSessions((session) => session.login === login)
        signIns.revokeRefreshTokens((one) => one.login === login)
      }),
    loseNextAnswer: (endpoint) => Effect.sync(() => faults.add(endpoint, Fault.Fault.resetAfterExecution, 1, 0)),
    alwaysUnauthorized: (when) =>
      Effect.sync(() => {
        unauthorized = typeof when === "function" ? when : () => when
      }),
    failNext: (endpoint, fault, times = 1, { after = 0 } = {}) =>
      Effect.sync(() => faults.add(endpoint, fault, times, after)),
    failWhen: (choose) => Effect.sync(() => faults.choose(choose)),
    clearFaults: Effect.sync(faults.clear),
    endSessions: Effect.sync(() => {
      sessions.closeAll()
      wake()
    }),
    setLicences: (licences) => Effect.sync(() => sessions.setLicences(licences)),
    setLatency: (next) =>
      Effect.sync(() => {
        latency = next
      }),
    setClockOffset: (milliseconds) =>
      Effect.sync(() => {
        clockOffset = milliseconds
      }),
    setVersion: (next) =>
      Effect.sync(() => {
        version = next
      }),
    journal: Effect.sync(journal.entries),
    clearJournal: Effect.sync(journal.clear),
    data: Effect.sync(domain),
    counters: Effect.map(currentTime, (now) => {
      const open = sessions.open(now)
      return {
        tokenRequests: count.token,
        apiRequests: count.api,
        sessions: open,
        licencesUsed: open,
        transactions: engineOf?.transactions(now) ?? 0
      }
    })
  }

  return {
    service,
    respond,
    missed: (request) => Effect.map(currentTime, (now) => void journal.open(request, now, true))
  }
}

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
