import { ConcurrencyConflict, type DomainApiError, OutcomeUnknown, type WriteError } from "../ErpNetError.ts"
import * as Faults from "../internal/faults.ts"

/**
 * Whether nothing can have been executed, so that a change may be sent again: no free licence (503), nothing to connect
 * to.
 *
 * @category guards
 * @since 0.2.0
 */
export const isNotExecuted = (error: WriteError): boolean =>
  (error._tag === "LicenseUnavailable" && error.status === 503) ||
  (error._tag === "Unreachable" && error.reason === "transport" && Faults.ofDetail(error.detail).isUnsent)

/**
 * Maps an error to what it means for a change: a lost race (`ConcurrencyConflict`), or an outcome that is not known.
 *
 * @category errors
 * @since 0.2.0
 */
export const toWriteError = (error: DomainApiError): WriteError => {
  if (error._tag === "Unreachable" && error.reason !== "invalidRequest" && !isNotExecuted(error)) {
    return new OutcomeUnknown({ method: error.method, path: error.path, reason: error.reason, detail: error.detail })
  }
  // The code of a lost race is not documented; a failed check at saving has one of its own.
  if (error._tag !== "ServerError" && error._tag !== "ValidationFailed") return error
  const { code, detail, method, path, status, type } = error
  if (status === 409 || status === 412 || /object\s?version/i.test(detail ?? "")) {
    return new ConcurrencyConflict({ method, path, status, code, type, detail })
  }
  // A gateway gave up, and what it asked may have been executed.
  return status === 502 || status === 504 ? new OutcomeUnknown({ method, path, reason: "status", status }) : error
}
