/**
 * JSON text as ERP.net writes it: pure ASCII, and numbers with every digit they have.
 */

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * Writes a JSON string with everything outside printable ASCII escaped.
 *
 * @category combinators
 * @since 0.1.0
 */
export const writeString = (text: string): string => JSON.stringify(text).replace(/[\u007f-\uffff]/g, escapeUnit)

/**
 * The most common headers of a successful reply.
 *
 * @category constructors
 * @since 0.1.0
 */
export const jsonHeaders = (decimalsAsStrings: boolean): Readonly<Record<string, string>> => ({
  "content-type": `application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=${decimalsAsStrings};charset=utf-8`,
  "odata-version": "4.0"
})
