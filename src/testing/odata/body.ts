/**
 * Request bodies: JSON with its members in the order sent and its numbers with every digit.
 */
import { isLosslessNumber, type LosslessNumber, parse } from "lossless-json"
import { malformed } from "../model/errors.ts"

/**
 * A JSON value; numbers are text.
 *
 * @category models
 * @since 0.1.0
 */
export type Json = null | boolean | string | LosslessNumber | ReadonlyArray<Json> | JsonObject

/**
 * A JSON object with its members in the order sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface JsonObject {
  readonly [name: string]: Json
}

/**
 * Whether a JSON value is an object.
 *
 * @category guards
 * @since 0.1.0
 */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isLosslessNumber(value)

/**
 * Whether a JSON value is an array.
 *
 * @category guards
 * @since 0.1.0
 */
export const isArray = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value)

/**
 * The text of a number, as it was sent; `undefined` when the value is something else.
 *
 * @category combinators
 * @since 0.1.0
 */
export const numberText = (value: Json | undefined): string | undefined =>
  isLosslessNumber(value) ? value.toString() : undefined

/**
 * Reads a body that has to be a JSON object; an empty body is an empty object.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readObject = (body: string): JsonObject => {
  if (body.trim() === "") return {}
  let value: unknown
  try {
    value = parse(body)
  } catch (error) {
    throw malformed(`The request body is not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isObject(value)) throw malformed("The request body has to be a JSON object.")
  return value
}
