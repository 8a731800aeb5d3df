/**
 * Query options, as they come and as they go back in a next link.
 */
import { malformed } from "../model/errors.ts"

/**
 * The decoded options of a request, in the order they came.
 *
 * @category models
 * @since 0.1.0
 */
export type QueryOptions = ReadonlyArray<readonly [name: string, value: string]>

/**
 * Decodes percent-encoded text; `plus` also reads `+` as a space, as query strings do.
 *
 * @category combinators
 * @since 0.1.0
 */
export const decode = (text: string, plus: boolean): string => {
  try {
    return decodeURIComponent(plus ? text.replaceAll("+", " ") : text).replace(/\p{Surrogate}/gu, "\ufffd")
  } catch {
    throw malformed("The request URI is not correctly percent-encoded.", 400)
  }
}

/**
 * Reads a raw query string. An OData option may come only once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parseQuery = (query: string): QueryOptions => {
  const options = query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=")
      return equals === -1
        ? ([decode(part, true), ""] as const)
        : ([decode(part.slice(0, equals), true), decode(part.slice(equals + 1), true)] as const)
    })
  const seen = new Set<string>()
  for (const [name] of options) {
    if (!name.startsWith("$")) continue
    if (seen.has(name))
      throw malformed(`Query option '${name}' was specified more than once, but it must be specified at most once.`)
    seen.add(name)
  }
  return options
}

/**
 * The value of one option.
 *
 * @category combinators
 * @since 0.1.0
 */
export const option = (options: QueryOptions, name: string): string | undefined =>
  options.find(([candidate]) => candidate === name)?.[1]

/**
 * Percent-encodes as .NET's `HttpUtility.UrlEncode` does: lower-case hex, `+` for a space, `-_.!*()` left alone.
 *
 * @category combinators
 * @since 0.1.0
 */
export const encode = (text: string): string =>
  encodeURIComponent(text)
    .replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())
    .replaceAll("%20", "+")
    .replaceAll("'", "%27")
    .replaceAll("~", "%7e")

/**
 * Writes options as a query string.
 *
 * @category combinators
 * @since 0.1.0
 */
export const formatQuery = (options: QueryOptions): string =>
  options.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&")
