import * as Encoding from "effect/Encoding"

/** The longest text of a server that enters an error. */
const maximumLength = 512

const mask = "<redacted>"

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

// Control and format characters, those that reorder what a terminal shows among them, and halves of characters.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}]+/gu

// Left out of the comparison: what may stand between the characters of a secret without hiding it from a reader, and
// the plus sign, which is a blank in a form.
const gaps = /[\s+\p{Cc}\p{Cf}\p{Cs}]+/gu

// Escapes of URLs and forms, JSON and HTML; else one character.
const pieces =
  /(?:%[0-9A-Fa-f]{2})+|(?:\\u[0-9A-Fa-f]{4})+|\\["\\/]|&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,5}|amp|lt|gt|quot|apos);|[\s\S]/gu

const escape = /[%\\&]/

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }

/** Tells whether UTF-8 can carry the text unchanged. */
export const isWellFormed = (text: string): boolean => !loneSurrogate.test(text)

/** Encodes one value as `application/x-www-form-urlencoded` does (a blank becomes `+`). */
export const formEncode = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1)

const unescapePiece = (piece: string): string => {
  if (piece.length === 1) return piece
  if (piece.startsWith("%")) {
    return new TextDecoder().decode(
      Uint8Array.from(piece.slice(1).split("%"), (hexadecimal) => Number.parseInt(hexadecimal, 16))
    )
  }
  if (piece.startsWith("\\")) return JSON.parse(`"${piece}"`)
  if (!piece.startsWith("&")) return piece
  const name = piece.slice(1, -1)
  return name.startsWith("#")
    ? String.fromCodePoint(Number(name.slice(1).replace(/^x/i, "0x")))
    : (entities[name] ?? piece)
}

/** A text without gaps; its character `i` comes from the range `from[i]` to `to[i]` of the original. */
interface Reading {
  readonly text: string
  readonly from: ReadonlyArray<number>
  readonly to: ReadonlyArray<number>
}

const read = (text: string, decode: (piece: string) => string, earlier?: Reading): Reading => {
  const from: Array<number> = []
  const to: Array<number> = []
  let result = ""
  for (const { 0: piece, index } of text.matchAll(pieces)) {
    const end = index + piece.length
    const decoded = decode(piece).replace(gaps, "")
    for (let position = 0; position < decoded.length; position++) {
      from.push(earlier?.from[index] ?? index)
      to.push(earlier?.to[end - 1] ?? end)
    }
    result += decoded
  }
  return { text: result, from, to }
}

/** The text as it stands, with its escapes resolved, and with those resolved that stood inside escapes. */
const readings = (text: string): ReadonlyArray<Reading> => {
  const plain = read(text, (piece) => piece)
  if (!escape.test(plain.text)) return [plain]
  const once = read(plain.text, unescapePiece, plain)
  return [plain, once, read(once.text, unescapePiece, once)]
}

/** What to look for: the secret itself and its Base64, both without gaps and padding. */
const needles = (secret: string): ReadonlyArray<string> =>
  [secret, Encoding.encodeBase64(secret), Encoding.encodeBase64Url(secret)].map((spelling) =>
    spelling.replace(gaps, "").replace(/=+$/, "")
  )

/**
 * Masks the secrets in a text, also where they are escaped (URL, form, JSON or HTML, up to twice, in any case), in
 * Base64, or torn apart by white space or by characters that show nothing.
 */
export const maskSecrets = (text: string, secrets: ReadonlyArray<string>): string => {
  const wanted = [...new Set(secrets.flatMap(needles))].filter((needle) => needle !== "")
  if (wanted.length === 0 || text === "") return text
  const found: Array<readonly [number, number]> = []
  for (const reading of readings(text)) {
    for (const needle of wanted) {
      for (let at = reading.text.indexOf(needle); at !== -1; at = reading.text.indexOf(needle, at + 1)) {
        found.push([reading.from[at] ?? 0, reading.to[at + needle.length - 1] ?? text.length])
      }
    }
  }
  let masked = ""
  let position = 0
  for (const [from, to] of found.sort(([a], [b]) => a - b)) {
    if (from >= position) masked += text.slice(position, from) + mask
    position = Math.max(position, to)
  }
  return masked + text.slice(position)
}

/** A server's text made fit for an error: secrets masked, one line, no control characters, at most 512 characters. */
export const serverText = (text: string, secrets: ReadonlyArray<string> = []): string => {
  const line = maskSecrets(text, secrets).replace(/\s+/g, " ").replace(unprintable, "").trim()
  return line.length <= maximumLength ? line : `${line.slice(0, maximumLength - 1).replace(loneSurrogate, "")}…`
}
