import * as Either from "effect/Either"

/** A part of a multipart text. Header names are in lower case when read, and written as they are. */
export interface Part {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An HTTP response inside a part. */
export interface HttpPart extends Part {
  readonly status: number
}

const crlf = "\r\n"

/** Headers, an empty line, and the body. */
const writePart = ({ body, headers }: Part): string =>
  [...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), "", body].join(crlf)

/** A boundary that occurs in none of the bodies. */
export const boundaryFor = (prefix: string, parts: ReadonlyArray<Part>, first = 1): string => {
  let number = first
  while (parts.some(({ body }) => body.includes(`${prefix}_${number}`))) number += 1
  return `${prefix}_${number}`
}

/** Multipart text, with CRLF at the end of every line. */
export const write = (boundary: string, parts: ReadonlyArray<Part>): string =>
  `${parts.map((part) => `--${boundary}${crlf}${writePart(part)}${crlf}`).join("")}--${boundary}--${crlf}`

/** The headers up to the first empty line, and what comes after; a line may end in LF alone. */
const readPart = (text: string, mayEnd: boolean): Part | undefined => {
  const headers: Record<string, string> = {}
  let at = 0
  while (at < text.length || mayEnd) {
    const end = text.indexOf("\n", at)
    if (end === -1 && !mayEnd) return undefined
    const line = text.slice(at, end === -1 ? text.length : end).replace(/\r$/, "")
    at = end === -1 ? text.length : end + 1
    if (line === "") return { headers, body: text.slice(at) }
    const [, name, value = ""] = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) return undefined
    headers[name.toLowerCase()] = value
  }
  return undefined
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

const boundaryOf = (contentType: string | undefined): string | undefined => {
  const [, quoted, plain] =
    /^\s*multipart\/mixed\s*;(?:.*;)?\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType ?? "") ?? []
  return quoted ?? plain
}

/** Whether a content type is that of a multipart text. */
export const isMultipart = (contentType: string | undefined): boolean =>
  /^\s*multipart\/mixed\b/i.test(contentType ?? "")

/**
 * The parts of a multipart text, or why it is none. Lines may end in LF alone. Text before the first part or after the
 * last is refused: its meaning is unknown.
 */
export const read = (contentType: string | undefined, text: string): Either.Either<ReadonlyArray<Part>, string> => {
  const boundary = boundaryOf(contentType)
  if (boundary === undefined) return Either.left("its content type is not multipart/mixed with a boundary")
  const delimiter = new RegExp(`(?:^|\\r?\\n)--${escapePattern(boundary)}(--)?[ \\t]*(?=\\r?\\n|$)`, "g")
  const parts: Array<Part> = []
  let start: number | undefined
  for (const match of text.matchAll(delimiter)) {
    if (start === undefined) {
      if (text.slice(0, match.index).trim() !== "") return Either.left("there is text before its first part")
    } else {
      const part = readPart(text.slice(start, match.index).replace(/^\r?\n/, ""), false)
      if (part === undefined) return Either.left("a part does not begin with headers and an empty line")
      parts.push(part)
    }
    start = match.index + match[0].length
    if (match[1] !== undefined) {
      return text.slice(start).trim() === ""
        ? Either.right(parts)
        : Either.left("there is text after its closing boundary")
    }
  }
  return Either.left(start === undefined ? "its boundary does not occur" : "it is cut off: it has no closing boundary")
}

/** The HTTP response in a part of type `application/http`, or why there is none. */
export const readHttp = (part: Part): Either.Either<HttpPart, string> => {
  if (!/^\s*application\/http\b/i.test(part.headers["content-type"] ?? "")) {
    return Either.left("a part is not of the content type application/http")
  }
  const [all, status] = /^(?:\r?\n)*HTTP\/\d(?:\.\d)? (\d{3})(?: [^\r\n]*)?(?:\r?\n|$)/.exec(part.body) ?? []
  if (all === undefined) return Either.left("a part does not begin with an HTTP status line")
  const inner = readPart(part.body.slice(all.length), true)
  return inner === undefined
    ? Either.left("the headers of a response in a part cannot be read")
    : Either.right({ status: Number(status), ...inner })
}
