import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import {
  type ApiError,
  DuplicateKey,
  EntityRenamed,
  Forbidden,
  LicenseUnavailable,
  NotFound,
  RateLimited,
  ServerError,
  ValidationFailed
} from "../ErpNetError.ts"
import * as LosslessJson from "../internal/losslessJson.ts"
import { serverText } from "../internal/redaction.ts"

/**
 * An answer of the Domain API that is not 2xx.
 *
 * @category models
 * @since 0.2.0
 */
export interface Failure {
  readonly method: string
  /** Without the query, which may hold data. */
  readonly path: string
  readonly status: number
  /** The header `Retry-After`. */
  readonly retryAfter: Duration.Duration | undefined
  readonly body: string
  /** What must not enter the error. */
  readonly secrets: ReadonlyArray<string>
}

interface ErrorBody {
  readonly code?: number | undefined
  readonly type?: string | undefined
  readonly message?: string | undefined
}

/** The members of an error body, which stand at its top or inside `error`; `info` (a stack trace) is left alone. */
const readBody = (text: string): ErrorBody => {
  const outer = Option.getOrUndefined(LosslessJson.parsePlain(text))
  if (!Predicate.isRecord(outer)) return {}
  const body = Predicate.isRecord(outer["error"]) ? outer["error"] : outer
  const { code, message, type } = body
  const number = typeof code === "string" && /^\d+$/.test(code) ? Number(code) : code
  return {
    code: typeof number === "number" && Number.isFinite(number) ? number : undefined,
    type: typeof type === "string" ? type : undefined,
    message: typeof message === "string" ? message : undefined
  }
}

const renamed = /entity set name '([^']+)'[\s\S]*?new name of this entity is '([^']+)'/i
const rule = /\bR\d+(?:-\d+)*\b/
const constraint = /\(Constraint R\d+(?:-\d+)*\)/
const securityType = /Security|AccessDenied|UnauthorizedAccess|PermissionException/

const isLicence = (body: ErrorBody): boolean =>
  body.code === 8 ||
  body.type?.endsWith("E1LicenseException") === true ||
  /MaximumLicen[cs]eCountExceeded/.test(`${body.type ?? ""} ${body.message ?? ""}`)

/**
 * The typed error of an answer that is not 2xx, from its status and from either of the two shapes of error bodies. For
 * the answer of an `HttpClient` there is `filterStatus`.
 *
 * @category errors
 * @since 0.2.0
 */
export const fromFailure = (failure: Failure): ApiError => {
  const body = readBody(failure.body)
  const { method, path, retryAfter, status } = failure
  const clean = (text: string | undefined) => (text === undefined ? undefined : serverText(text, failure.secrets))
  const fields = { method, path, status, code: body.code, type: clean(body.type), detail: clean(body.message) }
  if (status === 429) return new RateLimited({ ...fields, retryAfter })
  if (isLicence(body)) return new LicenseUnavailable({ ...fields, retryAfter })
  if (status === 403) return new Forbidden(fields)
  const [, oldName, newName] = renamed.exec(body.message ?? "") ?? []
  if (oldName !== undefined && newName !== undefined) {
    const { secrets } = failure
    return new EntityRenamed({
      ...fields,
      oldName: serverText(oldName, secrets),
      newName: serverText(newName, secrets)
    })
  }
  if (status === 404) return new NotFound(fields)
  if (body.code === 2129) return new DuplicateKey(fields)
  if (body.code === 2029 || constraint.test(body.message ?? "")) {
    return new ValidationFailed({ ...fields, ruleId: clean(rule.exec(body.message ?? "")?.[0]) })
  }
  if (status >= 500 && securityType.test(body.type ?? "")) return new Forbidden(fields)
  return new ServerError({ ...fields, retryAfter })
}
