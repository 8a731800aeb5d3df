/**
 * Stands in until the OData engine is there.
 */
import type { Domain, DomainOptions } from "./domain/types.ts"

export const make = (options: DomainOptions): Domain => ({
  handle: (request) => {
    const set = request.path.split(/[(/]/)[0] ?? ""
    const value = Array.from({ length: Math.min(10, options.customers ?? 10) }, (_, i) => ({
      "@odata.id": `${set}(00000000-0000-0000-0000-${String(i).padStart(12, "0")})`,
      Id: `00000000-0000-0000-0000-${String(i).padStart(12, "0")}`,
      Number: String(i)
    }))
    return {
      status: 200,
      headers: {},
      body: JSON.stringify({ "@odata.context": `${request.serviceRoot}$metadata#${set}`, value })
    }
  }
})
