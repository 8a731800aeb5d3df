import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { fromFailure } from "../AuthorizedClient.ts"
import {
  type Answer,
  type Change,
  type DomainApiError,
  type Read,
  type RequestOptions,
  type Step,
  toWriteError,
  type WireRequest
} from "../DomainRequest.ts"

import {
  type ApiError,
  ChangesetFailed,
  InvalidQuery,
  type InvalidValue,
  ResponseInvalid,
  type WriteError
} from "../ErpNetError.ts"
import * as RetryAfter from "../internal/retryAfter.ts"
import * as Multipart from "./multipart.ts"

interface Changeset {
  readonly _tag: "Changeset"
  readonly operations: Readonly<Record<string, Change<unknown>>>
}

type Operation = Read<unknown, InvalidValue> | Changeset

interface ReadPlan {
  readonly _tag: "Read"
  readonly name: string
  readonly operation: Read<unknown, InvalidValue>
  readonly request: WireRequest
}

interface PlannedChange {
  readonly name: string
  readonly contentId: string
  readonly operation: Change<unknown>
  readonly request: WireRequest
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
  operations: Readonly<Record<string, Change<unknown>>>
): Either.Either<ChangesetPlan, DomainApiError | InvalidValue> =>
  Either.gen(function* () {
    const known = new Map<string, string>()
    const changes: Array<PlannedChange> = []
    for (const [own, operation] of Object.entries(operations)) {
      if (/^\d+$/.test(own)) {
        const reason = "the name of an operation of a changeset must not be a number, which would change the order"
        return yield* Either.left(new InvalidQuery({ option: "changeset", reason }))
      }
      const contentId = String(changes.length + 1)
      const request = yield* Either.flatMap(
        operation.request((earlier) => Option.fromNullable(known.get(earlier))),
        checkHeaders
      )
      changes.push({ name: own, contentId, operation, request })
      known.set(own, contentId)
    }
    return { _tag: "Changeset" as const, name, changes }
  })

const plan = (name: string, operation: Operation): Either.Either<Plan, DomainApiError | InvalidValue> =>
  operation._tag === "Read"
    ? Either.map(Either.flatMap(operation.request, checkHeaders), (request) => ({
        _tag: "Read" as const,
        name,
        operation,
        request
      }))
    : planChangeset(name, operation.operations)

/** A line break in a header would begin another one. */
const checkHeaders = (request: WireRequest): Either.Either<WireRequest, InvalidQuery> =>
  Object.entries(request.headers ?? {}).every(
    ([name, value]) => /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && /^[\t\x20-\x7E\x80-\uFFFF]*$/.test(value)
  )
    ? Either.right(request)
    : Either.left(new InvalidQuery({ option: "headers", reason: "a name or a value holds what no header may hold" }))

/** The headers that a part may have of its own. */
const ownHeaders = (headers: RequestOptions["headers"] = {}): ReadonlyArray<string> =>
  Object.entries(headers)
    .filter(([name]) => !/^(?:authorization|accept|content-type)$/i.test(name))
    .map(([name, value]) => `${name}: ${value}`)

/** A request in a part. Only letters outside ASCII are left to encode: a line break would begin another header. */
const httpPart = ({ body, headers, method, url }: WireRequest, contentId?: string): Multipart.Part => ({
  headers: {
    "Content-Type": "application/http",
    "Content-Transfer-Encoding": "binary",
    ...(contentId === undefined ? {} : { "Content-ID": contentId })
  },
  body: [
    `${method} ${url.replace(/[^\x21-\x7E]+/g, encodeURIComponent)} HTTP/1.1`,
    `Accept: ${Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === "accept")?.[1] ?? "application/json"}`,
    ...(body === undefined ? [] : [`Content-Type: ${body.contentType}`]),
    ...ownHeaders(headers),
    "",
    body?.text ?? ""
  ].join("\r\n")
})

/** A part of the batch. The boundary of a changeset is its own: a server may take equal ones for one group. */
const planPart = (item: Plan, index: number): Multipart.Part => {
  if (item._tag === "Read") return httpPart(item.request)
  const parts = item.changes.map(({ contentId, request }) => httpPart(request, contentId))
  const boundary = Multipart.boundaryFor("changeset", parts, index + 1)
  return {
    headers: { "Content-Type": `multipart/mixed; boundary=${boundary}` },
    body: Multipart.write(boundary, parts)
  }
}

// --- reading --------------------------------------------------------------------------------------------------------

const isOk = (status: number): boolean => status >= 200 && status < 300

const inner = (answer: Answer, part: Multipart.HttpPart, url: string): Answer => ({
  text: part.body,
  headers: part.headers,
  root: answer.root,
  path: pathOf(answer, url),
  receivedAt: answer.receivedAt,
  holdsToken: answer.holdsToken
})

/** The path of an operation: below the same root as the batch. */
const pathOf = (answer: Answer, url: string): string =>
  `${answer.path.replace(/\$batch$/, "")}${url.replace(/\?.*$/s, "")}`

const failure = (answer: Answer, part: Multipart.HttpPart, { method, url }: WireRequest): ApiError =>
  fromFailure({
    method,
    path: pathOf(answer, url),
    status: part.status,
    retryAfter: RetryAfter.parse(part.headers["retry-after"], answer.receivedAt),
    body: answer.holdsToken(part.body) ? "" : part.body,
    secrets: []
  })

/** The result of an operation; or the requests that bring the rest of it. A left side is a fault of the whole answer. */
type Outcome = Either.Either<Either.Either<Step<unknown>, WriteError | ChangesetFailed>, string>

const readRead = (answer: Answer, { operation, request }: ReadPlan, part: Multipart.Part): Outcome =>
  Either.map(Multipart.readHttp(part), (http) => {
    if (isOk(http.status)) return operation.decode(inner(answer, http, request.url))
    const error = failure(answer, http, request)
    return Either.fromOption(
      Option.map(operation.recover?.(error) ?? Option.none(), (value): Step<unknown> => ({ _tag: "Done", value })),
      () => error
    )
  })

/** The Content-ID of an answer, which stands in its part; some servers repeat it inside. */
const contentIdOf = (part: Multipart.Part, http: Multipart.HttpPart): string | undefined =>
  part.headers["content-id"] ?? http.headers["content-id"]

const readFailure = (
  answer: Answer,
  { changes }: ChangesetPlan,
  http: Multipart.HttpPart,
  contentId: string | undefined
): Outcome => {
  const failed =
    contentId === undefined && changes.length === 1
      ? changes[0]
      : changes.find((change) => change.contentId === contentId)
  if (contentId !== undefined && failed === undefined) {
    return Either.left("a failed changeset names an operation that it does not have")
  }
  const request: WireRequest = failed?.request ?? { method: "POST", url: "$batch" }
  const error: WriteError = toWriteError(failure(answer, http, request))
  return Either.right(Either.left(new ChangesetFailed({ operation: failed?.name, error })))
}

const readChangeset = (answer: Answer, item: ChangesetPlan, part: Multipart.Part): Outcome =>
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
      return yield* readFailure(answer, item, first.http, first.contentId)
    }
    if (!nested) return yield* Either.left("the answer to a changeset is neither multipart nor an error")
    if (answers.length !== changes.length) {
      return yield* Either.left("a changeset has another number of answers than of operations")
    }
    const byId = new Map(answers.map(({ contentId, http }) => [contentId, http]))
    const results: Array<readonly [string, Either.Either<Step<unknown>, WriteError>]> = []
    for (const { contentId, name, operation, request } of changes) {
      const http = byId.get(contentId)
      if (http === undefined) return yield* Either.left("an operation of a changeset has no answer with its Content-ID")
      if (!isOk(http.status)) return yield* Either.left("a changeset has answers of success and of failure")
      results.push([name, operation.decode(inner(answer, http, request.url))])
    }
    return Either.map(
      Either.all(results.map(([name, result]) => Either.map(result, (step) => [name, step] as const))),
      (steps) => collect(steps)
    )
  })

// --- completing -----------------------------------------------------------------------------------------------------

type NamedStep = readonly [name: string, step: Step<unknown>]

/** The record of all values, once the requests that are still needed have brought theirs. */
const collect = (steps: ReadonlyArray<NamedStep>): Step<Readonly<Record<string, unknown>>> => {
  const place = steps.findIndex(([, step]) => step._tag === "More")
  const [name, step] = steps[place] ?? []
  if (name === undefined || step === undefined || step._tag === "Done") {
    const values = steps.map(([name, step]) => [name, step._tag === "Done" ? step.value : undefined] as const)
    return { _tag: "Done", value: Object.fromEntries(values) }
  }
  return {
    _tag: "More",
    next: then(step.next, (next) => collect(steps.map((one, index) => (index === place ? [name, next] : one))))
  }
}

/** The same request, its step taken further. */
const then = <A, B>(request: Read<A>, f: (step: Step<A>) => Step<B>): Read<B> => ({
  _tag: "Read",
  operation: request.operation,
  target: request.target,
  attributes: request.attributes,
  request: request.request,
  decode: (answer) => Either.map(request.decode(answer), f)
})

/** A result whose own failure is a value, also where it is met while the rest of it is read. */
const settle = (
  result: Either.Either<Step<unknown>, WriteError | ChangesetFailed>
): Step<Either.Either<unknown, WriteError | ChangesetFailed>> => {
  if (Either.isLeft(result)) return { _tag: "Done", value: Either.left(result.left) }
  const step = result.right
  if (step._tag === "Done") return { _tag: "Done", value: Either.right(step.value) }
  return { _tag: "More", next: settleRead(step.next) }
}

const settleRead = (request: Read<unknown>): Read<Either.Either<unknown, WriteError | ChangesetFailed>> => ({
  _tag: "Read",
  operation: request.operation,
  target: request.target,
  attributes: request.attributes,
  request: request.request,
  decode: (answer) => Either.right(settle(request.decode(answer))),
  recover: (error) => Option.some(Either.left(error))
})

// --- the whole ------------------------------------------------------------------------------------------------------

const readItem = (answer: Answer, item: Plan, part: Multipart.Part): Outcome =>
  item._tag === "Read" ? readRead(answer, item, part) : readChangeset(answer, item, part)

const readAll = (answer: Answer, items: ReadonlyArray<Plan>): Either.Either<ReadonlyArray<NamedStep>, string> =>
  Either.gen(function* () {
    const parts = yield* Multipart.read(answer.headers["content-type"], answer.text)
    const results: Array<NamedStep> = []
    for (const [index, item] of items.entries()) {
      const part = parts[index]
      if (part === undefined || parts.length !== items.length) {
        return yield* Either.left("it has another number of parts than the request")
      }
      results.push([item.name, settle(yield* readItem(answer, item, part))])
    }
    return results
  })

const isEmpty = (operation: Operation): boolean =>
  operation._tag === "Changeset" && Object.keys(operation.operations).length === 0

type Results = Readonly<Record<string, unknown>>

/** Without it a server may stop at the first part that fails (OData 4.0 section 8.2.8.3). */
const continueOnError = { prefer: "odata.continue-on-error" }

const write = (items: ReadonlyArray<Plan>, headers: RequestOptions["headers"]): WireRequest => {
  let changesets = 0
  const parts = items.map((item) => planPart(item, item._tag === "Changeset" ? changesets++ : 0))
  const boundary = Multipart.boundaryFor("batch", parts)
  return {
    method: "POST",
    url: "$batch",
    headers: { accept: "multipart/mixed", ...(items.length > 1 ? continueOnError : {}), ...headers },
    body: { text: Multipart.write(boundary, parts), contentType: `multipart/mixed; boundary=${boundary}` }
  }
}

/** A batch as one request. */
export const make = (
  operations: Readonly<Record<string, Operation>>,
  options: Pick<RequestOptions, "headers">
): Read<Results, InvalidValue> | Change<Results> => {
  const given = Object.entries(operations)
  const planned = Either.all(
    given.filter(([, operation]) => !isEmpty(operation)).map(([name, operation]) => plan(name, operation))
  )
  const changes = given.some(([, { _tag }]) => _tag === "Changeset")
  const request = Either.map(planned, (items) => write(items, options.headers))
  const decode = (answer: Answer): Either.Either<Step<Results>, ResponseInvalid> =>
    Either.mapBoth(
      readAll(
        answer,
        Either.getOrElse(planned, () => [])
      ),
      {
        onLeft: (reason) => {
          const outcome = changes ? "; the changes may have been written" : ""
          return new ResponseInvalid({ entitySet: "$batch", path: "", reason: `${reason}${outcome}` })
        },
        // An empty changeset has nothing to send and nothing to fail.
        onRight: (results) =>
          collect(given.map(([name]) => [name, new Map(results).get(name) ?? nothingToSend] as const))
      }
    )
  const named = { operation: "batch", target: "$batch", attributes: { "erpnet.operation": "$batch" } }
  if (given.every(([, operation]) => isEmpty(operation))) {
    return {
      _tag: "Read",
      ...named,
      request,
      decode,
      known: { value: Object.fromEntries(given.map(([name]) => [name, Either.right({})])) }
    }
  }
  return changes
    ? { _tag: "Change", ...named, request: () => request, decode }
    : { _tag: "Read", ...named, request, decode }
}

const nothingToSend: Step<unknown> = { _tag: "Done", value: Either.right({}) }
