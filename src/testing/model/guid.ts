/**
 * Ids: lower-case guids, ordered as SQL Server orders `uniqueidentifier`.
 */

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Reads a guid in its hyphenated text form, in any case; `undefined` when the text is something else.
 *
 * @category guards
 * @since 0.1.0
 */
export const readGuid = (text: string): string | undefined => (guidPattern.test(text) ? text.toLowerCase() : undefined)

const swapBytes = (hex: string): string => hex.match(/../g)?.reverse().join("") ?? ""

/**
 * The hex digits of a guid in the order SQL Server weighs them: last group first, and the first three groups, which
 * .NET stores little-endian, byte by byte from their end.
 *
 * @category combinators
 * @since 0.1.0
 */
export const sqlOrderKey = (guid: string): string =>
  guid.slice(24) +
  guid.slice(19, 23) +
  swapBytes(guid.slice(14, 18)) +
  swapBytes(guid.slice(9, 13)) +
  swapBytes(guid.slice(0, 8))

/**
 * Compares two guids in SQL Server order.
 *
 * @category combinators
 * @since 0.1.0
 */
export const compareGuids = (left: string, right: string): number => {
  if (left === right) return 0
  const leftNode = left.slice(24)
  const rightNode = right.slice(24)
  if (leftNode !== rightNode) return leftNode < rightNode ? -1 : 1
  return sqlOrderKey(left) < sqlOrderKey(right) ? -1 : 1
}
