/**
 * `$batch`: several requests in one, as multipart text.
 */
import { malformed } from "../model/errors.ts"
import type { DomainReply, DomainRequest } from "../model/types.ts"

/**
 * One request of a batch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operation {
  /** What other parts refer to it by. */
  readonly contentId: string | undefined
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * What stands at the top of a batch: a request, or a changeset of several.
 *
 * @category models
 * @since 0.1.0
 */
export type BatchItem =
  | { readonly kind: "operation"; readonly operation: Operation }
  | { readonly kind: "changeset"; readonly operations: ReadonlyArray<Operation> }

interface Part {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const invalid = (reason: string) => malformed(`The batch request is not valid: ${reason}`, 400)

const boundaryOf = (contentType: string | undefined): string => {
  const [, quoted, plain] =
    /^multipart\/mixed\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType ?? "") ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw invalid("the content type has to be multipart/mixed with a boundary.")
  return boundary
}

/** Reads header lines up to the first empty one. Lines may end in LF alone, as in ERP.net's own samples. */
const readPart = (text: string): Part => {
  const headers: Record<string, string> = {}
  let rest = text
  for (;;) {
    const [, line = "", end = ""] = /^([^\r\n]*)(\r?\n|$)/.exec(rest) ?? []
    rest = rest.slice(line.length + end.length)
    if (line === "") return { headers, body: rest }
    const colon = line.indexOf(":")
    if (colon < 1) throw invalid(`'${line.slice(0, 60)}' is not a header.`)
    headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim()
    if (end === "") throw invalid("a part ends within its headers.")
  }
}

const escapePattern = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Splits multipart text at its delimiter lines; the line break before a delimiter belongs to the delimiter. */
const splitParts = (text: string, boundary: string): ReadonlyArray<Part> => {
  const delimiter = new RegExp(`(?:^|\\r?\\n)--${escapePattern(boundary)}(--)?[ \\t]*(?=\\r?\\n|$)`, "g")
  const parts: Array<Part> = []
  let start: number | undefined
  for (const match of text.matchAll(delimiter)) {
    if (start !== undefined) parts.push(readPart(text.slice(start, match.index).replace(/^\r?\n/, "")))
    start = match.index + match[0].length
    if (match[1] !== undefined) return parts
  }
  throw invalid(start === undefined ? "the boundary does not occur." : "the closing boundary is missing.")
}

const readOperation = (part: Part): Operation => {
  if (!/^application\/http\b/i.test(part.headers["content-type"] ?? "")) {
    throw invalid("a part has to be of the content type application/http.")
  }
  const [, requestLine = "", rest = ""] = /^(?:\r?\n)*([^\r\n]*)\r?\n?([\s\S]*)$/.exec(part.body) ?? []
  const [, method = "", url = ""] = /^([A-Z]+) (\S+)(?: HTTP\/1\.\d)?\s*$/.exec(requestLine) ?? []
  if (method === "") throw invalid(`'${requestLine.slice(0, 60)}' is not a request line.`)
  const inner = readPart(rest)
  return {
    contentId: part.headers["content-id"] ?? inner.headers["content-id"],
    method,
    url,
    headers: inner.headers,
    body: inner.body.trim()
  }
}

const readItem = (part: Part): BatchItem => {
  const contentType = part.headers["content-type"]
  if (!/^multipart\/mixed\b/i.test(contentType ?? "")) return { kind: "operation", operation: readOperation(part) }
  const operations = splitParts(part.body, boundaryOf(contentType)).map(readOperation)
  const ids = operations.flatMap(({ contentId }) => contentId ?? [])
  if (new Set(ids).size < ids.length) throw invalid("a Content-ID occurs twice in a changeset.")
  for (const { method } of operations) {
    if (method === "GET" || method === "HEAD") throw invalid("a changeset cannot hold a GET request.")
  }
  return { kind: "changeset", operations }
}

/**
 * Reads the body of a batch request.
 *
 * @category constructors
 * @since 0.1.0
 */
export const readBatch = (request: DomainRequest): ReadonlyArray<BatchItem> =>
  splitParts(request.body, boundaryOf(request.headers["content-type"])).map(readItem)

/**
 * Turns a part of a batch into a request of its own. References such as `$1` at the begin of its address are replaced.
 *
 * @category combinators
 * @since 0.1.0
 */
export const requestOf = (
  outer: DomainRequest,
  operation: Operation,
  contentIds: ReadonlyMap<string, string>
): DomainRequest => {
  const [, reference, tail = ""] = /^(\$[^/?]+)(.*)$/s.exec(operation.url) ?? []
  const address =
    reference !== undefined && contentIds.has(reference) ? `${contentIds.get(reference)}${tail}` : operation.url
  const query = address.indexOf("?")
  return {
    ...outer,
    method: operation.method,
    path: relativePath(outer, query === -1 ? address : address.slice(0, query)),
    query: query === -1 ? "" : address.slice(query + 1),
    headers: {
      ...(outer.headers["transactionid"] === undefined ? {} : { transactionid: outer.headers["transactionid"] }),
      ...operation.headers
    },
    body: operation.body
  }
}

/** Addresses are relative to the service root, to its host, or absolute. */
const relativePath = (outer: DomainRequest, address: string): string => {
  const root = outer.serviceRoot
  const path = new URL(root).pathname
  if (address.startsWith(root)) return address.slice(root.length)
  if (address.startsWith(path)) return address.slice(path.length)
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || address.startsWith("/")) {
    throw invalid(`'${address}' is not an address of this service.`)
  }
  return address
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  429: "Too Many Requests",
  500: "Internal Server Error"
}

const headerNames: Readonly<Record<string, string>> = {
  "content-type": "Content-Type",
  location: "Location",
  "odata-version": "OData-Version"
}

const crlf = "\r\n"

/**
 * The answer to one request as a part.
 *
 * @category constructors
 * @since 0.1.0
 */
export const writeReply = (reply: DomainReply, contentId: string | undefined): string =>
  [
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    ...(contentId === undefined ? [] : [`Content-ID: ${contentId}`]),
    "",
    `HTTP/1.1 ${reply.status} ${reasons[reply.status] ?? "Unknown"}`,
    ...Object.entries(reply.headers).map(([name, value]) => `${headerNames[name] ?? name}: ${value}`),
    "",
    reply.body
  ].join(crlf)

/**
 * Multipart text of these parts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const writeMultipart = (boundary: string, parts: ReadonlyArray<string>): string =>
  `${parts.map((part) => `--${boundary}${crlf}${part}${crlf}`).join("")}--${boundary}--${crlf}`

/**
 * A part that is a multipart itself: the answers of a changeset.
 *
 * @category constructors
 * @since 0.1.0
 */
export const writeNested = (boundary: string, parts: ReadonlyArray<string>): string =>
  `Content-Type: multipart/mixed; boundary=${boundary}${crlf}${crlf}${writeMultipart(boundary, parts)}`
