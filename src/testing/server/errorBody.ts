/**
 * The error bodies that come from in front of the OData engine.
 *
 * @since 0.1.0
 */
import * as Http from "./http.ts"
import type { Settings } from "./options.ts"

interface Fault {
  readonly message: string
  readonly code: number
  readonly type: string
}

const reply = (
  settings: Settings,
  status: number,
  fault: Fault,
  headers: Readonly<Record<string, string>> = {}
): Http.WholeReply => {
  const body = {
    message: fault.message,
    code: fault.code,
    type: fault.type,
    info: `${fault.type}: ${fault.message}\r\n   at Erp.Net.Api.Pipeline.Process(Request request)`,
    messageFormat: null,
    parameters: null
  }
  return Http.json(status, settings.errorBody === "wrapped" ? { error: body } : body, {
    "odata-version": "4.0",
    ...headers
  })
}

const isSince = (version: string, major: number, minor: number): boolean => {
  const [year = 0, release = 0] = version.split(".").map(Number)
  return year > major || (year === major && release >= minor)
}

const licenceText = "The maximum number of simultaneously connected users is exceeded."

/** No licence is free: 503 since version 27.1, 500 before; nothing was executed. */
export const noLicence = (settings: Settings, version: string): Http.WholeReply => {
  const type = "Aloe.SystemFrameworks.E1LicenseException"
  const status = settings.licenceError === "auto" ? (isSince(version, 27, 1) ? 503 : 500) : settings.licenceError
  return status === 503
    ? reply(
        settings,
        503,
        { message: licenceText, code: 8, type },
        { "retry-after": "60", "cache-control": "no-store" }
      )
    : reply(settings, 500, { message: `MaximumLicenseCountExceeded: ${licenceText}`, code: 8, type })
}

/** A write without the scope for it, where the instance is told to answer that with a text. */
export const permission = (settings: Settings): Http.WholeReply =>
  reply(settings, 500, {
    message: "Access is denied. The token does not have the scope 'update'.",
    code: 0,
    type: "System.Security.SecurityException"
  })

/** A mistake in the embedded instance itself; it must not look like a network fault. */
export const defect = (settings: Settings, error: unknown): Http.WholeReply =>
  reply(settings, 500, {
    message: `The embedded instance failed: ${error instanceof Error ? error.message : String(error)}`,
    code: 0,
    type: "System.Exception"
  })
