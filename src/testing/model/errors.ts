/**
 * How the Domain API refuses: every business, syntax or data fault is an error body, nearly always with status 500.
 */
import { writeString } from "./jsonText.ts"
import type { DomainReply } from "./types.ts"

/**
 * A message in parts, as the server gives them for translation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Format {
  readonly message: string
  readonly parameters: ReadonlyArray<string>
}

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
  /** The message with places for its parameters, where the server gives them apart. */
  readonly format: Format | undefined

  constructor(type: string, message: string, status = 500, code = 0, format?: Format) {
    super(message)
    this.status = status
    this.code = code
    this.type = type
    this.format = format
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

const serverException = "Aloe.EnterpriseOne.Server.ServerAPI.Exceptions.EnterpriseOneServerException"

/**
 * Data that the rules of the business forbid.
 *
 * @category errors
 * @since 0.1.0
 */
export const refused = (message: string, code = 0, status?: number): Refusal =>
  new Refusal(serverException, message, status, code)

/**
 * Data that cannot be saved: code 2029, and the text of a validation rule where one failed.
 *
 * @category errors
 * @since 0.1.0
 */
export const notSaved = (reason: string): Refusal =>
  refused(`An error occurred while saving data to the database\r\n${reason}`, 2029)

/**
 * A value that only one row may have: code 2129.
 *
 * @category errors
 * @since 0.1.0
 */
export const duplicate = (table: string, index: string, value: string): Refusal => {
  const format = {
    message: "Prohibited duplication in table '{0}'. The unique index '{1}' already has the value '{2}'. Index: {3}.",
    parameters: [`dbo.${table}_Table`, index, value, index]
  }
  const message = format.message.replace(
    /\{(\d)\}/g,
    (_, position: string) => format.parameters[Number(position)] ?? ""
  )
  return new Refusal(serverException, message, 500, 2129, format)
}

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
    `${refusal.type.includes(".") ? "" : "System."}${refusal.type}: ${refusal.message}`,
    "   at Erp.DomainApi.QueryModel.RequestParser.Parse(Uri uri)",
    "   at Erp.DomainApi.Controllers.EntityController.ProcessAsync(HttpContext context)"
  ].join("\r\n")

/**
 * The inner object of an error body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const errorObject = (refusal: Refusal): string => {
  const { format } = refusal
  const parts = format === undefined ? "null" : `[${format.parameters.map(writeString).join(",")}]`
  return (
    `{"message":${writeString(refusal.message)},"code":${refusal.code},"type":${writeString(refusal.type)},` +
    `"info":${writeString(stackTrace(refusal))},` +
    `"messageFormat":${format === undefined ? "null" : writeString(format.message)},"parameters":${parts}}`
  )
}

/**
 * The reply to a refused request. 403 and 429 have no body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const errorReply = (refusal: Refusal, shape: "wrapped" | "bare"): DomainReply => {
  if (refusal.status === 403 || refusal.status === 429) {
    return { status: refusal.status, headers: { "odata-version": "4.0" }, body: "" }
  }
  const error = errorObject(refusal)
  return {
    status: refusal.status,
    headers: { "content-type": "application/json", "odata-version": "4.0" },
    body: shape === "wrapped" ? `{"error":${error}}` : error
  }
}
