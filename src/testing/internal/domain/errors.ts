/**
 * How the Domain API refuses: every business, syntax or data fault is an error body, nearly always with status 500.
 */
import { writeString } from "./json.ts"
import type { DomainReply } from "./types.ts"

/**
 * What ends a request early. Thrown inside the engine and turned into a reply in one place.
 *
 * @category errors
 * @since 0.1.0
 */
export class Refusal extends Error {
  readonly status: number
  readonly code: number
  readonly type: string

  constructor(type: string, message: string, status = 500, code = 0) {
    super(message)
    this.status = status
    this.code = code
    this.type = type
  }
}

/**
 * A construct that OData has and ERP.net has not.
 *
 * @category errors
 * @since 0.1.0
 */
export const notSupported = (message: string, status?: number): Refusal =>
  new Refusal("NotSupportedException", message, status)

/**
 * Text that is not valid OData, or names something that does not exist.
 *
 * @category errors
 * @since 0.1.0
 */
export const malformed = (message: string, status?: number): Refusal => new Refusal("ODataException", message, status)

/**
 * A valid request that makes no sense for the data.
 *
 * @category errors
 * @since 0.1.0
 */
export const invalidOperation = (message: string, status?: number): Refusal =>
  new Refusal("InvalidOperationException", message, status)

/**
 * The text for a name that an entity type does not have.
 *
 * @category errors
 * @since 0.1.0
 */
export const unknownProperty = (name: string, type: string): Refusal =>
  malformed(`Could not find a property named '${name}' on type 'Erp.${type}'.`)

const stackTrace = (refusal: Refusal): string =>
  [
    `System.${refusal.type}: ${refusal.message}`,
    "   at Erp.DomainApi.QueryModel.RequestParser.Parse(Uri uri)",
    "   at Erp.DomainApi.Controllers.EntityController.ProcessAsync(HttpContext context)"
  ].join("\r\n")

/**
 * The reply to a refused request.
 *
 * @category constructors
 * @since 0.1.0
 */
export const errorReply = (refusal: Refusal, shape: "wrapped" | "bare"): DomainReply => {
  const error =
    `{"message":${writeString(refusal.message)},"code":${refusal.code},"type":${writeString(refusal.type)},` +
    `"info":${writeString(stackTrace(refusal))},"messageFormat":null,"parameters":null}`
  return {
    status: refusal.status,
    headers: { "content-type": "application/json", "odata-version": "4.0" },
    body: shape === "wrapped" ? `{"error":${error}}` : error
  }
}
