import * as Encoding from "effect/Encoding"

/** The longest text of a server that enters an error. */
const maximumLength = 512

const mask = "<redacted>"

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

// C0, DEL, C1, the line and paragraph separators, and the characters that reorder what a terminal shows.
const unprintable = /[\u0000-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]+/g

/** Tells whether UTF-8 can carry the text unchanged. */
export const isWellFormed = (text: string): boolean => !loneSurrogate.test(text)

/** Encodes one value as `application/x-www-form-urlencoded` does (a blank becomes `+`). */
export const formEncode = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1)

/** The spellings under which a secret may come back in a text: plain, JSON, percent-encoded, form-encoded, Base64. */
const spellings = (secret: string): ReadonlyArray<string> => {
  if (secret === "" || !isWellFormed(secret)) return secret === "" ? [] : [secret]
  const percent = encodeURIComponent(secret)
  const form = formEncode(secret)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    form,
    form.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    Encoding.encodeBase64(secret),
    Encoding.encodeBase64(secret).replace(/=+$/, ""),
    Encoding.encodeBase64Url(secret)
  ]
}

/** Replaces every spelling of the secrets, the longest first so that none survives as a remainder of another. */
export const maskSecrets = (text: string, secrets: ReadonlyArray<string>): string =>
  [...new Set(secrets.flatMap(spellings))]
    .sort((a, b) => b.length - a.length)
    .reduce((masked, spelling) => masked.replaceAll(spelling, mask), text)

/** A server's text made fit for an error: secrets masked, one line, no control characters, at most 512 characters. */
export const serverText = (text: string, secrets: ReadonlyArray<string> = []): string => {
  const line = maskSecrets(text, secrets).replace(/\s+/g, " ").replace(unprintable, "").trim()
  // Masked again: taking characters away may have joined the halves of a secret.
  const masked = maskSecrets(line, secrets)
  return masked.length <= maximumLength ? masked : `${masked.slice(0, maximumLength - 1).replace(loneSurrogate, "")}…`
}
