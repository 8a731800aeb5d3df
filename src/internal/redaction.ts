import * as Encoding from "effect/Encoding"

/** The longest text of a server that an error carries. */
const maximumLength = 512

const mask = "<redacted>"

const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

// Control and format characters, those that reorder what a terminal shows among them.
const unprintable = /[\p{Cc}\p{Cf}]+/gu

const halfCharacters = /\p{Cs}+/gu

// Ignored by the comparison: characters that a reader overlooks between those of a secret, and the plus sign, which is
// a blank in a form.
const gaps = /[\s+\p{Cc}\p{Cf}]+/gu

/** Tells whether UTF-8 can carry the text unchanged. */
export const isWellFormed = (text: string): boolean => !loneSurrogate.test(text)

/** A URL without its query, which may contain personal data. */
export const withoutQuery = (url: string): string => url.replace(/\?.*$/s, "")

/** Encodes one value as `application/x-www-form-urlencoded` does (a blank becomes `+`). */
export const formEncode = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1)

/** One way of escaping: what its escapes begin with, and what one stands for; `pieces` are escapes or characters. */
interface Escaping {
  readonly marker: string
  readonly escapes: RegExp
  readonly pieces: RegExp
  readonly decode: (piece: string) => string
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }

const escaping = (marker: string, escapes: RegExp, decode: (escape: string) => string): Escaping => ({
  marker,
  escapes,
  pieces: new RegExp(`${escapes.source}|[\\s\\S]`, escapes.flags),
  decode
})

const escapings: ReadonlyArray<Escaping> = [
  escaping("%", /(?:%[0-9A-Fa-f]{2})+/gu, (escapes) =>
    new TextDecoder().decode(Uint8Array.from(escapes.slice(1).split("%"), (byte) => Number.parseInt(byte, 16)))
  ),
  escaping("\\", /(?:\\u[0-9A-Fa-f]{4})+|\\["\\/]/gu, (escapes) => JSON.parse(`"${escapes}"`)),
  escaping("&", /&(?:#\d{1,6}|#[xX][0-9A-Fa-f]{1,5}|amp|lt|gt|quot|apos);/gu, (escape) => {
    const name = escape.slice(1, -1)
    return name.startsWith("#")
      ? String.fromCodePoint(Number(name.slice(1).replace(/^x/i, "0x")))
      : (entities[name] ?? escape)
  })
]

/** A text without gaps; its character `i` comes from the range `from[i]` to `to[i]` of the original. */
interface Reading {
  readonly text: string
  readonly from: ReadonlyArray<number>
  readonly to: ReadonlyArray<number>
}

const read = (
  text: string,
  pieces: RegExp,
  decode: (piece: string) => string,
  origin: (from: number, end: number) => readonly [from: number, to: number]
): Reading => {
  const from: Array<number> = []
  const to: Array<number> = []
  let result = ""
  for (const { 0: piece, index } of text.matchAll(pieces)) {
    const decoded = decode(piece).replace(gaps, "")
    const [first, last] = origin(index, index + piece.length)
    for (let position = 0; position < decoded.length; position++) {
      from.push(first)
      to.push(last)
    }
    result += decoded
  }
  return { text: result, from, to }
}

const unescape = (reading: Reading): ReadonlyArray<Reading> =>
  escapings
    .filter(({ marker }) => reading.text.includes(marker))
    .map(({ decode, marker, pieces }) =>
      read(
        reading.text,
        pieces,
        (piece) => (piece.length > 1 && piece.startsWith(marker) ? decode(piece) : piece),
        (from, end) => [reading.from[from] ?? 0, reading.to[end - 1] ?? 0]
      )
    )

const unescapeText = (text: string): ReadonlyArray<string> =>
  escapings
    .filter(({ marker }) => text.includes(marker))
    .map(({ decode, escapes }) => text.replace(escapes, decode).replace(gaps, ""))

/** The text as it is, and with one or two layers of escapes resolved. */
const layers = <A>(plain: A, unescaped: (reading: A) => ReadonlyArray<A>): ReadonlyArray<A> => {
  const once = unescaped(plain)
  return [plain, ...once, ...once.flatMap(unescaped)]
}

/** Whether any reading holds one of the needles. Most texts hold none, and then no positions are computed. */
const holdsAny = (text: string, wanted: ReadonlyArray<string>): boolean =>
  layers(text.replace(gaps, ""), unescapeText).some((reading) => wanted.some((needle) => reading.includes(needle)))

const readings = (text: string): ReadonlyArray<Reading> => {
  const plain = read(
    text,
    /[\s\S]/gu,
    (piece) => piece,
    (from, to) => [from, to]
  )
  return layers(plain, unescape)
}

/** What to look for: the secret and its Base64 without padding. */
const needles = (secret: string): ReadonlyArray<string> =>
  [secret, Encoding.encodeBase64(secret).replace(/=+$/, ""), Encoding.encodeBase64Url(secret)].map((spelling) =>
    spelling.replace(gaps, "")
  )

/**
 * Masks the secrets in a text, also where they are escaped (URL, form, JSON or HTML, up to twice, in any case), in
 * Base64, or split by white space or invisible characters.
 */
export const maskSecrets = (text: string, secrets: ReadonlyArray<string>): string => {
  // No reading is longer than the text, and no spelling shorter than the secret without its gaps.
  const short = secrets.filter((secret) => secret.replace(gaps, "").length <= text.length)
  const wanted = text === "" ? [] : [...new Set(short.flatMap(needles))].filter((needle) => needle !== "")
  if (wanted.length === 0 || !holdsAny(text, wanted)) return text
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

/** One line without invisible characters; halves of characters that were torn apart are joined again. */
const oneLine = (text: string): string =>
  text
    .replace(unprintable, (run) => (/\s/.test(run) ? " " : ""))
    .replace(/([\uD800-\uDBFF])\s+(?=[\uDC00-\uDFFF])/g, "$1")
    .replace(halfCharacters, "")
    .replace(/\s+/g, " ")
    .trim()

/** Prepares a server's text for an error: secrets masked, one line, no control characters, at most 512 characters. */
export const serverText = (text: string, secrets: ReadonlyArray<string> = []): string => {
  const line = oneLine(text)
  // Only the beginning is searched: long enough for the text that is kept, with escaped secrets in it.
  const near = line.slice(0, 32 * (maximumLength + Math.max(0, ...secrets.map((secret) => secret.length))))
  const masked = maskSecrets(near, secrets)
  if (near.length === line.length && masked.length <= maximumLength) return masked
  // After the last mask one more secret may begin, whose end lies beyond the part that was searched.
  const lastMask = near.length === line.length ? -1 : masked.lastIndexOf(mask)
  const end = Math.min(maximumLength - 1, lastMask === -1 ? maximumLength : lastMask + mask.length)
  return `${masked.slice(0, end).replace(loneSurrogate, "")}…`
}
