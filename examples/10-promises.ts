/**
 * How do I use the library from code that knows Promises only? A ManagedRuntime holds the services, and so the one
 * token, for as long as the process needs them; Effect stays inside one small class.
 *
 *   npm run promises
 */
import { Effect, Either, ManagedRuntime, Schema } from "effect"
import { ComplexType, DomainApi, EntitySet, type ErpNet } from "effect-erpnet"
import { ErpNetEmulator } from "effect-erpnet/testing"
import * as Embedded from "./support/embedded.ts"

const Customers = EntitySet.make(
  "Crm_Sales_Customers",
  Schema.Struct({
    Id: Schema.UUID,
    Number: Schema.NullOr(Schema.String),
    Party: EntitySet.expand(Schema.Struct({ PartyName: ComplexType.MultilanguageString }))
  })
)

export interface Customer {
  readonly id: string
  readonly name: string | undefined
}

/** What the rest of the application sees: methods that give Promises, and errors that it knows by their tags. */
class Erp<E> {
  readonly #runtime: ManagedRuntime.ManagedRuntime<ErpNet.Services, E>

  constructor(runtime: ManagedRuntime.ManagedRuntime<ErpNet.Services, E>) {
    this.#runtime = runtime
  }

  /** Rejects with the typed error itself: `runPromise` alone would wrap it. The signal ends the request. */
  async #run<A>(effect: Effect.Effect<A, DomainApi.DomainApiError, ErpNet.Services>, signal?: AbortSignal): Promise<A> {
    const result = await this.#runtime.runPromise(Effect.either(effect), signal === undefined ? {} : { signal })
    if (Either.isLeft(result)) throw result.left
    return result.right
  }

  customers(top: number, signal?: AbortSignal): Promise<ReadonlyArray<Customer>> {
    const rows = DomainApi.list(Customers, { top, orderBy: ["Number"] })
    const named = Effect.map(rows, (all) =>
      all.map((row) => ({ id: row.Id, name: ComplexType.getText(row.Party.PartyName, "EN") }))
    )
    return this.#run(named, signal)
  }

  async customer(id: string): Promise<Customer> {
    const row = await this.#run(DomainApi.get(Customers, id))
    return { id: row.Id, name: ComplexType.getText(row.Party.PartyName, "EN") }
  }
}

// In an application: Layer.provide(ErpNet.layerConfig(), NodeHttpClient.layerUndici).
const runtime = ManagedRuntime.make(Embedded.layer())

const main = async (): Promise<void> => {
  const erp = new Erp(runtime)
  for (const { name } of await erp.customers(3)) console.log(`  ${name}`)
  try {
    await erp.customer("00000000-0000-0000-0000-000000000000")
  } catch (error) {
    if (!(error instanceof Error && error.name === "NotFound")) throw error
    console.log(`  caught ${error.name}: ${error.message}`)
  }
  const { tokenRequests } = await runtime.runPromise(
    Effect.flatMap(ErpNetEmulator.ErpNetEmulator, ({ counters }) => counters)
  )
  console.log(`  two calls, ${tokenRequests} token`)
}

try {
  await main()
} finally {
  // Drops the token and closes the connections.
  await runtime.dispose()
}
console.log("  disposed")
