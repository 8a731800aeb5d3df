/** Values that are well-formed but plainly not meant, and what to say of them. The values themselves are never shown. */

import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"

const quoteKept =
  "begins and ends with quotation marks, which the tool that set it keeps as part of the value (docker --env-file " +
  "does); write it without them"

// Soft hyphen, zero-width and direction marks, word joiner, byte order mark, tags; and the C1 controls.
const unseen =
  /[\u0080-\u009F\u00AD\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]|[\u{E0000}-\u{E007F}]/u

const isQuoted = (value: string): boolean => value.length >= 2 && /^(["'`]).*\1$|^[“„‘«].*[”“’»]$/su.test(value)

const isPlaceholder = (value: string): boolean =>
  /\$\{[A-Za-z_][^}]*\}|\{\{[^}]*\}\}|\$\([A-Za-z_][\w.]*\)/.test(value) ||
  /^(?:\$[A-Z_]{3,}|%[A-Z_]{3,}%|<[a-z][a-z -]{3,}>)$/.test(value)

const placeholder =
  "holds a reference to a variable (a name in braces or after a dollar sign) that was not replaced; look at the tool that should have put the value in"

const unseenReason = (value: string): string | undefined => {
  const found = unseen.exec(value)?.[0].codePointAt(0)
  return found === undefined
    ? undefined
    : `holds a character that cannot be seen (U+${found.toString(16).toUpperCase().padStart(4, "0")}); type the value instead of copying it`
}

/** Why a value that is no secret cannot be meant. */
export const faultOf = (value: string): string | undefined =>
  unseenReason(value) ?? (isQuoted(value) ? quoteKept : isPlaceholder(value) ? placeholder : undefined)

/** Why a scope text cannot be meant; RFC 6749 allows commas and quotation marks in the names of scopes of others. */
export const scopeFaultOf = (value: string): string | undefined => {
  if (!/^(["'`]?)[\s,;]*(?:read|update)(?:[\s,;]+(?:read|update))*[\s,;]*\1$/i.test(value)) {
    return isPlaceholder(value) ? placeholder : undefined
  }
  if (isQuoted(value)) return quoteKept
  return /[,;]/.test(value) ? "has commas in it; scopes are separated by blanks" : undefined
}

/** Why a secret cannot be meant: only what no secret holds, since a secret may hold quotation marks. */
export const secretFaultOf = (value: string): string | undefined => unseenReason(value)

const isHash = (value: string): boolean =>
  /^[0-9a-f]{64}$/i.test(value) ||
  (value.length === 44 &&
    Either.match(Encoding.decodeBase64(value), { onLeft: () => false, onRight: ({ length }) => length === 32 }))

/** What the form of a secret that was refused suggests. */
export const secretHintOf = (value: string): string | undefined => {
  if (isHash(value)) {
    return "The secret looks like an ApplicationSecretHash; ERPNET_CLIENT_SECRET is the plain secret that was hashed"
  }
  if (isQuoted(value)) return `The secret (ERPNET_CLIENT_SECRET) ${quoteKept}`
  return isPlaceholder(value) ? `The secret (ERPNET_CLIENT_SECRET) ${placeholder}` : undefined
}
