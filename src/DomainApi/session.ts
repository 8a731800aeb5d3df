import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as AccessToken from "../AccessToken.ts"
import * as AuthorizedClient from "../AuthorizedClient.ts"
import { type TokenError, Unauthorized } from "../ErpNetError.ts"
import { TokenProvider } from "../TokenProvider.ts"
import * as Calls from "./calls.ts"
import * as Permits from "./permits.ts"

/** What requests go through: the calls outside any transaction, or those of one. */
export interface Connection {
  readonly calls: Calls.Calls
  readonly client: Calls.CallPolicy["client"]
  /** The id of the transaction that the calls belong to. */
  readonly transaction: string | undefined
}

/** The transactions that a fiber is in, each by the service that it belongs to. */
class Transactions extends Context.Tag("effect-erpnet/DomainApi/Transactions")<
  Transactions,
  ReadonlyMap<Connections, Connection>
>() {}

/** A session of the server: calls that all use the same token, one at a time. */
export interface Session {
  /** Calls that belong to no transaction. */
  readonly calls: Calls.Calls
  readonly inTransaction: (id: string) => Connection
  /** Takes another token, where the server refused this one before there was a transaction. */
  readonly renew: Effect.Effect<void, TokenError | Unauthorized>
}

/** The connections of one service. */
export interface Connections {
  /** Whether an effect was given the service of the outside on purpose, so that it stays outside a transaction. */
  readonly isOutside: (context: Context.Context<never>) => boolean
  readonly outside: Connection
  /** Runs with a session of its own; others that ask meanwhile wait, because the server has one transaction for each. */
  readonly withSession: <A, E, R>(
    use: (session: Session) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TokenError, R>
}

/** Runs with the connection of the fiber: that of its transaction where it is in one. */
export const withConnection = <A, E, R>(
  connections: Connections,
  use: (connection: Connection) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.contextWithEffect((context: Context.Context<never>) => {
    const transactions = Context.getOption(context, Transactions)
    const own = transactions._tag === "Some" ? transactions.value.get(connections) : undefined
    return use(own === undefined || connections.isOutside(context) ? connections.outside : own)
  })

/** Lets the requests of an effect to this service go through a connection. */
export const provideConnection =
  (connections: Connections, connection: Connection) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.contextWithEffect((context: Context.Context<R>) => {
      const transactions = Context.getOption(context, Transactions)
      const others = transactions._tag === "Some" ? transactions.value : []
      const all = new Map([...others, [connections, connection] as const])
      return Effect.provide(effect, Context.add(context, Transactions, all))
    })

/** The client of a service: requests of an effect in a transaction carry its header. */
export const clientOf = (connections: Connections): Calls.CallPolicy["client"] =>
  HttpClient.makeWith<never, never, AuthorizedClient.AuthorizedClientError, never>(
    (request) => Effect.flatMap(request, (ready) => withConnection(connections, ({ client }) => client.execute(ready))),
    Effect.succeed
  )

const openSession = (
  policy: Calls.CallPolicy,
  options: AuthorizedClient.Options
): Effect.Effect<Session, TokenError, TokenProvider | HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const tokens = yield* TokenProvider
    let token: AccessToken.AccessToken = yield* tokens.get
    const client = yield* AuthorizedClient.make(options).pipe(
      Effect.provideService(TokenProvider, {
        instance: policy.instance,
        get: Effect.sync(() => token),
        // Another token would be another session, and the transaction lives in this one.
        renew: () => new Unauthorized({})
      })
    )
    const single = Permits.make(1)
    const own: Calls.CallPolicy = {
      ...policy,
      client,
      withPermit: (effect) => single.withPermit(policy.withPermit(effect))
    }
    return {
      calls: Calls.make(own),
      inTransaction: (id) => {
        const headers = { transactionid: id }
        return {
          calls: Calls.make({ ...own, headers }),
          client: HttpClient.mapRequest(client, HttpClientRequest.setHeaders(headers)),
          transaction: id
        }
      },
      renew: Effect.map(
        Effect.suspend(() => tokens.renew(token)),
        (next) => {
          token = next
        }
      )
    }
  })

/** Makes the connections of a service. */
export const make = (
  policy: Calls.CallPolicy,
  options: AuthorizedClient.Options,
  isOutside: Connections["isOutside"]
): Effect.Effect<Connections, never, TokenProvider | HttpClient.HttpClient> =>
  Effect.map(Effect.context<TokenProvider | HttpClient.HttpClient>(), (context) => {
    const sessions = Permits.make(1)
    return {
      isOutside,
      outside: { calls: Calls.make(policy), client: policy.client, transaction: undefined },
      withSession: (use) =>
        sessions.withPermit(Effect.flatMap(Effect.provide(openSession(policy, options), context), use))
    }
  })
