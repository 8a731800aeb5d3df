import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { fromFailure } from "../AuthorizedClient/apiError.ts"
import type * as Batch from "../Batch.ts"
import { type Answer, DomainApi, ofWrite, type WriteError } from "../DomainApi/calls.ts"
import { type ApiError, ChangesetFailed, InvalidQuery, type InvalidValue, ResponseInvalid } from "../ErpNetError.ts"
import * as LosslessJson from "../internal/losslessJson.ts"
import * as RetryAfter from "../internal/retryAfter.ts"
import { withSpan } from "../internal/tracing.ts"
import * as Multipart from "./multipart.ts"

/**
 * What may be said with a batch.
 *
 * @category options
 * @since 0.1.0
 */
export interface BatchOptions {
  /** Extra headers of the batch, not of its operations; `Authorization` is always the library's. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

interface ReadPlan {
  readonly _tag: "Read"
  readonly name: string
  readonly operation: Batch.Read<unknown>
  readonly url: string
}

interface PlannedChange {
  readonly name: string
  readonly contentId: string
  readonly operation: Batch.Change<unknown>
  readonly request: Batch.ChangeRequest
}

interface ChangesetPlan {
  readonly _tag: "Changeset"
  readonly name: string
  readonly changes: ReadonlyArray<PlannedChange>
}

type Plan = ReadPlan | ChangesetPlan

// --- writing --------------------------------------------------------------------------------------------------------

const planChangeset = (
  name: string,
  operations: Readonly<Record<string, Batch.Change<unknown>>>
): Either.Either<ChangesetPlan, InvalidQuery | InvalidValue> =>
  Either.gen(function* () {
    const known = new Map<string, string>()
    const changes: Array<PlannedChange> = []
    for (const [own, operation] of Object.entries(operations)) {
      if (/^\d+$/.test(own)) {
        const reason = "the name of an operation of a changeset must not be a number, which would change the order"
        return yield* Either.left(new InvalidQuery({ option: "changeset", reason }))
      }
      const contentId = String(changes.length + 1)
      const request = yield* operation.request((earlier) => Option.fromNullable(known.get(earlier)))
      changes.push({ name: own, contentId, operation, request })
      known.set(own, contentId)
    }
    return { _tag: "Changeset" as const, name, changes }
  })

const plan = (name: string, operation: Batch.Operation): Either.Either<Plan, InvalidQuery | InvalidValue> =>
  operation._tag === "Read"
    ? Either.map(operation.url, (url) => ({ _tag: "Read" as const, name, operation, url }))
    : planChangeset(name, operation.operations)

/** A request in a part. Only letters outside ASCII are left to encode: a line break would begin another header. */
const httpPart = (method: string, url: string, body: unknown, contentId?: string): Multipart.Part => {
  const content = body === undefined ? undefined : (LosslessJson.stringify(body) ?? "null")
  return {
    headers: {
      "Content-Type": "application/http",
      "Content-Transfer-Encoding": "binary",
      ...(contentId === undefined ? {} : { "Content-ID": contentId })
    },
    body: [
      `${method} ${url.replace(/[^\x21-\x7E]+/g, encodeURIComponent)} HTTP/1.1`,
      "Accept: application/json",
      ...(content === undefined ? [] : ["Content-Type: application/json"]),
      "",
      content ?? ""
    ].join("\r\n")
  }
}

const planPart = (item: Plan): Multipart.Part => {
  if (item._tag === "Read") return httpPart("GET", item.url, undefined)
  const parts = item.changes.map(({ contentId, request }) =>
    httpPart(request.method, request.url, request.body, contentId)
  )
  const boundary = Multipart.boundaryFor("changeset", parts)
  return {
    headers: { "Content-Type": `multipart/mixed; boundary=${boundary}` },
    body: Multipart.write(boundary, parts)
  }
}

// --- reading --------------------------------------------------------------------------------------------------------

/** How the answers to a batch are read. A fault on the left is one of the whole answer: no pairing can be trusted. */
interface Reader {
  readonly answer: Answer
  readonly root: string
  readonly now: number
}

const isOk = (status: number): boolean => status >= 200 && status < 300

const inner = ({ answer }: Reader, part: Multipart.HttpPart): Answer => ({
  text: part.body,
  headers: part.headers,
  holdsToken: answer.holdsToken
})

const failure = (reader: Reader, part: Multipart.HttpPart, method: string, url: string): ApiError =>
  fromFailure({
    method,
    path: `${reader.root}${url.replace(/\?.*$/s, "")}`,
    status: part.status,
    retryAfter: RetryAfter.parse(part.headers["retry-after"], reader.now),
    body: reader.answer.holdsToken(part.body) ? "" : part.body,
    secrets: []
  })

const readRead = (
  reader: Reader,
  { operation, url }: ReadPlan,
  part: Multipart.Part
): Either.Either<Either.Either<unknown, ApiError | ResponseInvalid>, string> =>
  Either.map(Multipart.readHttp(part), (http) =>
    isOk(http.status) ? operation.decode(inner(reader, http)) : Either.left(failure(reader, http, "GET", url))
  )

type ChangesetResult = Either.Either<Readonly<Record<string, unknown>>, ChangesetFailed | ResponseInvalid>

/** The Content-ID of an answer, which stands in its part; some servers repeat it inside. */
const contentIdOf = (part: Multipart.Part, http: Multipart.HttpPart): string | undefined =>
  part.headers["content-id"] ?? http.headers["content-id"]

const readFailure = (
  reader: Reader,
  { changes }: ChangesetPlan,
  http: Multipart.HttpPart,
  contentId: string | undefined
): Either.Either<ChangesetResult, string> => {
  const failed =
    contentId === undefined && changes.length === 1
      ? changes[0]
      : changes.find((change) => change.contentId === contentId)
  if (contentId !== undefined && failed === undefined) {
    return Either.left("a failed changeset names an operation that it does not have")
  }
  const { method, url } = failed?.request ?? { method: "POST", url: "$batch" }
  const error: WriteError = ofWrite(failure(reader, http, method, url))
  return Either.right(Either.left(new ChangesetFailed({ operation: failed?.name, error })))
}

const readChangeset = (
  reader: Reader,
  item: ChangesetPlan,
  part: Multipart.Part
): Either.Either<ChangesetResult, string> =>
  Either.gen(function* () {
    const { changes } = item
    const nested = Multipart.isMultipart(part.headers["content-type"])
    const parts = nested ? yield* Multipart.read(part.headers["content-type"], part.body) : [part]
    const answers: Array<{ readonly http: Multipart.HttpPart; readonly contentId: string | undefined }> = []
    for (const one of parts) {
      const http = yield* Multipart.readHttp(one)
      answers.push({ http, contentId: contentIdOf(one, http) })
    }
    const [first] = answers
    if (answers.length === 1 && first !== undefined && !isOk(first.http.status)) {
      return yield* readFailure(reader, item, first.http, first.contentId)
    }
    if (!nested) return yield* Either.left("the answer to a changeset is neither multipart nor an error")
    if (answers.length !== changes.length) {
      return yield* Either.left("a changeset has another number of answers than of operations")
    }
    const byId = new Map(answers.map(({ contentId, http }) => [contentId, http]))
    const results: Array<readonly [string, Either.Either<unknown, ResponseInvalid>]> = []
    for (const { contentId, name, operation } of changes) {
      const http = byId.get(contentId)
      if (http === undefined) return yield* Either.left("an operation of a changeset has no answer with its Content-ID")
      if (!isOk(http.status)) return yield* Either.left("a changeset has answers of success and of failure")
      results.push([name, operation.decode(inner(reader, http))])
    }
    return Either.map(
      Either.all(results.map(([name, result]) => Either.map(result, (value) => [name, value] as const))),
      (entries) => Object.fromEntries(entries)
    )
  })

const readItem = (reader: Reader, item: Plan, part: Multipart.Part): Either.Either<unknown, string> =>
  item._tag === "Read" ? readRead(reader, item, part) : readChangeset(reader, item, part)

const readAll = (
  reader: Reader,
  items: ReadonlyArray<Plan>
): Either.Either<ReadonlyArray<readonly [string, unknown]>, string> =>
  Either.gen(function* () {
    const parts = yield* Multipart.read(reader.answer.headers["content-type"], reader.answer.text)
    const results: Array<readonly [string, unknown]> = []
    for (const [index, item] of items.entries()) {
      const part = parts[index]
      if (part === undefined || parts.length !== items.length) {
        return yield* Either.left("it has another number of parts than the request")
      }
      results.push([item.name, yield* readItem(reader, item, part)])
    }
    return results
  })

const isEmpty = (operation: Batch.Operation): boolean =>
  operation._tag === "Changeset" && Object.keys(operation.operations).length === 0

type Results<Operations> = { readonly [Name in keyof Operations]: Batch.Result<Operations[Name]> }

/**
 * Sends several operations in one request, and gives the result of each by the name of the operation.
 *
 * **Details**
 *
 * - Reads stand alone, each with its own result. The changes of a changeset are executed all or not at all; the error
 *   of a failed one is `ChangesetFailed`, which names the operation. Changesets are independent of each other.
 * - An operation that cannot be written (`InvalidQuery`, `InvalidValue`) fails the batch, and nothing is sent.
 * - With a changeset the batch is a change: it is never sent again where it may have been executed, and where its
 *   answer is lost the error is `OutcomeUnknown`. Without one it is a read, and is retried as one.
 * - An answer that does not match the request part by part is `ResponseInvalid`; no result is taken from it.
 * - In a transaction a batch is refused with `InvalidQuery`: ERP.net does not document whether its operations would
 *   belong to the transaction.
 *
 * @category combinators
 * @since 0.1.0
 */
export const batch = <const Operations extends Readonly<Record<string, Batch.Operation>>>(
  operations: Operations,
  options: BatchOptions = {}
): Effect.Effect<Results<Operations>, WriteError, DomainApi> =>
  withSpan(
    "DomainApi.batch",
    () => ({ "erpnet.operation": "$batch" }),
    () =>
      Effect.gen(function* () {
        const api = yield* DomainApi
        if (api.transaction !== undefined) {
          const reason = "a batch cannot be sent in a transaction, because its operations might not belong to it"
          return yield* new InvalidQuery({ option: "$batch", reason })
        }
        const given = Object.entries<Batch.Operation>(operations)
        const items = yield* Either.all(
          given.filter(([, operation]) => !isEmpty(operation)).map(([name, operation]) => plan(name, operation))
        )
        const changes = items.some(({ _tag }) => _tag === "Changeset")
        const results = items.length === 0 ? [] : yield* send(api, items, changes, options)
        // An empty changeset has nothing to send and nothing to fail.
        const all = new Map<string, unknown>([...given.map(([name]) => [name, Either.right({})] as const), ...results])
        // The names and the types of the results follow from those of the operations, one by one.
        return Object.fromEntries(all) as Results<Operations>
      })
  )

const send = (
  api: DomainApi["Type"],
  items: ReadonlyArray<Plan>,
  changes: boolean,
  options: BatchOptions
): Effect.Effect<ReadonlyArray<readonly [string, unknown]>, WriteError> =>
  Effect.gen(function* () {
    const parts = items.map(planPart)
    const boundary = Multipart.boundaryFor("batch", parts)
    const answer = yield* api.write({
      method: "POST",
      url: "$batch",
      headers: { accept: "multipart/mixed", ...options.headers },
      body: { text: Multipart.write(boundary, parts), contentType: `multipart/mixed; boundary=${boundary}` },
      readOnly: !changes
    })
    const reader = { answer, root: new URL(api.instance.odata).pathname, now: yield* Clock.currentTimeMillis }
    return yield* Either.mapLeft(readAll(reader, items), (reason) => {
      const outcome = changes ? "; the changes may have been written" : ""
      return new ResponseInvalid({ entitySet: "$batch", path: "", reason: `${reason}${outcome}` })
    })
  })
