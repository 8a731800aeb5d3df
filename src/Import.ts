/**
 * Loads many objects through ERP.net's `Import`: a stream of rows in, a stream with a result for each row out.
 *
 * **Details**
 *
 * - Rows are sent in chunks, one request at a time; the next chunk is taken from the source, and sent, only when the
 *   results of the last one have been consumed. Memory does not grow with the number of rows.
 * - An object that ERP.net refuses, or a row that does not fit its Schema, is a result of its own and stops nothing.
 *   What concerns the whole request (no licence, no rights, no answer) fails the stream, after the results so far.
 * - With an `ExternalId` in every row and the action `merge`, an import can be repeated, as a whole or from any row on:
 *   what is there already comes out as `Unchanged`.
 *
 * @example
 * ```ts
 * import { EntitySet, Import } from "effect-erpnet"
 * import { Console, Effect, Schema, Stream } from "effect"
 *
 * const Products = EntitySet.make("General_Products_Products", Schema.Struct({
 *   ExternalId: Schema.NullOr(Schema.String),
 *   PartNumber: Schema.String,
 *   ProductGroup: EntitySet.expand(Schema.Struct({ Code: Schema.String }))
 * }))
 *
 * const rows = Stream.range(1, 10_000).pipe(
 *   Stream.map((n) => ({ ExternalId: `EXT-${n}`, PartNumber: `P-${n}`, ProductGroup: { Code: "LMP" } }))
 * )
 *
 * export const program = Import.run(Products, rows, { type: "Erp.General_Products_Product" }).pipe(
 *   Stream.run(Import.summarize()),
 *   Effect.flatMap(({ added, failed, failures }) => Console.log(added, failed, failures))
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import * as DomainApi from "./DomainApi.ts"
import type { Answer, Change, RequestOptions } from "./DomainRequest.ts"
import * as EntityId from "./EntityId.ts"
import * as EntityInput from "./EntityInput.ts"
import type * as EntitySet from "./EntitySet.ts"
import {
  ImportFailure,
  ImportOutcomeUnknown,
  type InvalidValue,
  type OutcomeUnknown,
  ResponseInvalid
} from "./ErpNetError.ts"
import * as AnswerBody from "./internal/answerBody.ts"
import * as LosslessJson from "./internal/losslessJson.ts"
import { serverText } from "./internal/redaction.ts"
import * as Settings from "./internal/settings.ts"
import { withSpan } from "./internal/tracing.ts"
import * as Query from "./Query.ts"

// --- errors ---------------------------------------------------------------------------------------------------------

/**
 * Why a row has no saved object: ERP.net refused it, it does not fit its Schema (and was not sent), or its result
 * cannot be understood.
 *
 * @category errors
 * @since 0.1.0
 */
export type RowError = ImportFailure | InvalidValue | ResponseInvalid

/**
 * What ends an import: the errors of a change, where `OutcomeUnknown` says which rows it is about. What concerns one
 * row only is in the result of that row.
 *
 * @category errors
 * @since 0.1.0
 */
export type ImportError = Exclude<DomainApi.WriteError, OutcomeUnknown> | ImportOutcomeUnknown

// --- models ---------------------------------------------------------------------------------------------------------

const State = Schema.Literal("Added", "Modified", "Deleted", "Unchanged")

/**
 * What an import did to an object.
 *
 * @category models
 * @since 0.1.0
 */
export type State = typeof State.Type

/**
 * An object that was imported.
 *
 * @category models
 * @since 0.1.0
 */
export interface Imported {
  /** `undefined` only where the server names none, as where the action `findOrNull` found nothing. */
  readonly id: EntityId.EntityId | undefined
  readonly state: State
}

/**
 * What became of a row.
 *
 * @category models
 * @since 0.1.0
 */
export interface Result<Row> {
  /** The number of the row in the stream, from 0. */
  readonly index: number
  readonly input: Row
  readonly outcome: Either.Either<Imported, RowError>
}

/**
 * How many rows came to what.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts {
  /** Rows with a result: the sum of the others. */
  readonly processed: number
  readonly added: number
  readonly modified: number
  readonly deleted: number
  readonly unchanged: number
  readonly failed: number
}

/**
 * How far an import has come.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress extends Counts {
  /** The log that ERP.net keeps of the last chunk, a `Systems_Exchange_DataExchanges`; none at `loggingLevel` 0. */
  readonly dataExchange: EntityId.EntityId | undefined
}

/**
 * A row that failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<Row> {
  readonly index: number
  readonly input: Row
  readonly error: RowError
}

/**
 * What an import has come to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary<Row> extends Counts {
  /** The first rows that failed; `failed` counts all of them. */
  readonly failures: ReadonlyArray<Failed<Row>>
}

// --- options --------------------------------------------------------------------------------------------------------

/**
 * Options of an import. {@link RunOptions} says where `type` may be left out.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options extends RequestOptions {
  /**
   * The type of the objects, such as `Erp.General_Products_Product`: the singular form, which the documentation of an
   * entity names and which cannot be told from the name of its set. A row's own `@odata.type` goes before it.
   */
  readonly type?: string | undefined
  /**
   * What to do with the objects. It is always sent, because ERP.net documents two defaults. A row's own
   * `@erpnet.action` goes before it.
   *
   * @default "merge"
   */
  readonly action?: EntityInput.Action | undefined
  /**
   * `frontend` runs the rules of ERP.net's user interface, which compute dependent values such as prices and base
   * quantities; `common` only the least that always applies.
   *
   * @default "frontend"
   */
  readonly model?: "frontend" | "common" | undefined
  /**
   * `per-object` saves every object by itself. `all-objects` saves the objects of a chunk together at its end, or none
   * of them: where one fails, the others of its chunk fail with it, and where a row does not fit its Schema, its chunk
   * is not sent. Chunks that came before stay: only with a `chunkSize` of at least the number of rows is it all or
   * nothing.
   *
   * @default "per-object"
   */
  readonly transaction?: "per-object" | "all-objects" | undefined
  /**
   * What ERP.net logs of the import: 0 nothing, 1 that it was, 2 also its objects.
   *
   * @default 2
   */
  readonly loggingLevel?: 0 | 1 | 2 | undefined
  /**
   * Rows in one request. Take fewer where the objects are large, or slow to save: the whole request must be answered
   * within `callTimeout`.
   *
   * @default 100
   */
  readonly chunkSize?: number | undefined
  /** Run at the start and after every chunk. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<unknown>) | undefined
}

/**
 * {@link Options} for rows of this type: `type` may be left out only where every row has its own.
 *
 * @category options
 * @since 0.1.0
 */
export type RunOptions<Row> = Options &
  ([Row] extends [{ readonly "@odata.type": string }] ? unknown : { readonly type: string })

// --- results --------------------------------------------------------------------------------------------------------

const noCounts: Counts = { processed: 0, added: 0, modified: 0, deleted: 0, unchanged: 0, failed: 0 }

const counters = { Added: "added", Modified: "modified", Deleted: "deleted", Unchanged: "unchanged" } as const

const add = <C extends Counts>(counts: C, { outcome }: Result<unknown>): C => {
  const counter = Either.isLeft(outcome) ? "failed" : counters[outcome.right.state]
  return { ...counts, processed: counts.processed + 1, [counter]: counts[counter] + 1 }
}

/**
 * Sums up the results of an import, and keeps the first failures (10 where it is not said how many).
 *
 * @category combinators
 * @since 0.1.0
 */
export const summarize = <Row>(
  options: { readonly failures?: number | undefined } = {}
): Sink.Sink<Summary<Row>, Result<Row>> => {
  const { failures: most = 10 } = options
  const initial: Summary<Row> = { ...noCounts, failures: [] }
  return Sink.foldLeft(initial, (summary, result) => {
    const { index, input, outcome } = result
    const failures =
      Either.isLeft(outcome) && summary.failures.length < most
        ? [...summary.failures, { index, input, error: outcome.left }]
        : summary.failures
    return { ...add(summary, result), failures }
  })
}

const textOf = (object: unknown, name: string): string | undefined => {
  const value = Predicate.hasProperty(object, name) ? object[name] : undefined
  return typeof value === "string" ? value : undefined
}

/** The word that says whether something was imported; one snippet of ERP.net's documentation leaves the prefix out. */
const resultOf = (object: unknown): string | undefined => textOf(object, "@erpnet.result") ?? textOf(object, "result")

const idOf = (object: unknown, name: string): EntityId.EntityId | undefined =>
  Option.getOrUndefined(Option.flatMap(Option.fromNullable(textOf(object, name)), EntityId.parse))

const codeOf = (error: unknown): number | undefined => {
  const code = Predicate.hasProperty(error, "code") ? error.code : undefined
  const number = typeof code === "string" && /^\d+$/.test(code) ? Number(code) : code
  return typeof number === "number" && Number.isFinite(number) ? number : undefined
}

/** What the server says about one object; its `info`, a stack trace, is left alone. */
const decodeResult = (
  entitySet: string,
  path: string,
  object: unknown,
  answer: Answer
): Either.Either<Imported, ImportFailure | ResponseInvalid> => {
  const clean = (text: string) => (answer.holdsToken(text) ? "<redacted>" : serverText(text))
  const refuse = (name: string, reason: string) =>
    Either.left(new ResponseInvalid({ entitySet, path: `${path}.${name}`, reason }))
  switch (resultOf(object)) {
    case "success": {
      const state = textOf(object, "@erpnet.state")
      if (!Schema.is(State)(state)) return refuse("@erpnet.state", `expected ${State}`)
      const id = idOf(object, "@odata.id")
      return id === undefined && textOf(object, "@odata.id") !== undefined
        ? refuse("@odata.id", "expected an id like Set(guid)")
        : Either.right({ id, state })
    }
    case "fail": {
      const error = Predicate.hasProperty(object, "@erpnet.error") ? object["@erpnet.error"] : undefined
      const message = textOf(object, "@erpnet.message") ?? textOf(error, "message") ?? "ERP.net names no reason."
      const type = textOf(error, "type")
      return Either.left(
        new ImportFailure({
          detail: clean(message),
          code: codeOf(error),
          type: type === undefined ? undefined : clean(type)
        })
      )
    }
    default:
      return refuse("@erpnet.result", "expected success or fail")
  }
}

// --- running --------------------------------------------------------------------------------------------------------

const unknownRows = (error: OutcomeUnknown, firstRow: number, lastRow: number): ImportOutcomeUnknown => {
  const { detail, method, path, reason, status } = error
  return new ImportOutcomeUnknown({ method, path, reason, detail, status, firstRow, lastRow })
}

type Outcome = Either.Either<Imported, RowError>

/** The answer to a chunk: what became of its objects, in their order. */
interface ChunkAnswer {
  /** Nothing of the chunk failed: what counts where it is saved as a whole. */
  readonly isSaved: boolean
  readonly dataExchange: EntityId.EntityId | undefined
  readonly outcomes: ReadonlyArray<Outcome>
}

const decodeAnswer = (
  entitySet: string,
  answer: Answer,
  sent: number,
  rows: string
): Either.Either<ChunkAnswer, ResponseInvalid> => {
  // The request has been executed by now: the error has to say for which rows.
  const refuse = (path: string, reason: string) =>
    new ResponseInvalid({ entitySet, path, reason: `${reason} (${rows} of the import may have been saved)` })
  return Either.flatMap(
    Either.mapLeft(AnswerBody.parse(answer.text, false), (reason) => refuse("", reason)),
    (body) => {
      const objects = Predicate.hasProperty(body, "objects") ? body.objects : undefined
      if (!Array.isArray(objects)) return Either.left(refuse("objects", "expected an array of results"))
      if (objects.length !== sent) {
        return Either.left(refuse("objects", `expected ${sent} results, found ${objects.length}`))
      }
      const outcomes = objects.map((object, index) => decodeResult(entitySet, `objects[${index}]`, object, answer))
      const isSaved =
        resultOf(body) !== "fail" &&
        !outcomes.some((outcome) => Either.isLeft(outcome) && outcome.left._tag === "ImportFailure")
      return Either.right({ isSaved, dataExchange: idOf(body, "data-exchange"), outcomes })
    }
  )
}

const notSaved = Either.left(
  new ImportFailure({
    detail: "The object was not saved, because its chunk is saved as a whole and another row of it failed."
  })
)

interface Encoded<Row> {
  readonly input: Row
  readonly object: Either.Either<unknown, InvalidValue>
}

/** The results of the rows of a chunk: the outcomes belong to the rows that were sent, in their order. */
const pair = <Row>(
  rows: ReadonlyArray<Encoded<Row>>,
  outcomes: ReadonlyArray<Outcome>,
  isSaved: boolean,
  first: number
): ReadonlyArray<Result<Row>> => {
  let next = 0
  const outcomeOf = ({ object }: Encoded<Row>): Outcome => {
    if (Either.isLeft(object)) return Either.left(object.left)
    const outcome = outcomes[next]
    next += 1
    return outcome === undefined || (Either.isRight(outcome) && !isSaved) ? notSaved : outcome
  }
  return rows.map((row, place) => ({ index: first + place, input: row.input, outcome: outcomeOf(row) }))
}

/** What the chunks of an import are sent with. */
interface Sending {
  readonly api: DomainApi.Service
  readonly entitySet: string
  readonly url: string
  readonly headers: RunOptions<never>["headers"]
  readonly settings: object
}

/** Sends the objects of a chunk. */
const sendChunk = (
  { api, entitySet, headers, settings, url }: Sending,
  objects: ReadonlyArray<unknown>,
  firstRow: number,
  lastRow: number
): Effect.Effect<ChunkAnswer, ImportError> => {
  const text = LosslessJson.stringify({ ...settings, objects }) ?? ""
  const body = { text, contentType: "application/json" }
  const request: Change<ChunkAnswer> = {
    _tag: "Change",
    operation: "import",
    target: "Import",
    attributes: { "erpnet.entity_set": entitySet },
    request: () => Either.right({ method: "POST", url, headers, body }),
    decode: (answer) =>
      Either.map(decodeAnswer(entitySet, answer, objects.length, `rows ${firstRow} to ${lastRow}`), (value) => ({
        _tag: "Done",
        value
      }))
  }
  return Effect.mapError(
    api.execute(request),
    (error): ImportError => (error._tag === "OutcomeUnknown" ? unknownRows(error, firstRow, lastRow) : error)
  )
}

/**
 * Imports rows, and gives a result for each of them, in their order.
 *
 * **Details**
 *
 * - A chunk is sent when it is full or the source has ended; where the source fails, what came before is still
 *   imported. Rows that do not fit their Schema are left out of the request.
 * - A consumer that stops early stops the import, but not within a chunk: all rows of a chunk that was sent may have
 *   been imported. The same is true of an interruption.
 * - A chunk is sent again only where nothing can have been executed. Where its answer is lost, the error is
 *   `OutcomeUnknown` with the rows that it is about ({@link ImportOutcomeUnknown}); an answer that does not belong to
 *   the chunk is `ResponseInvalid`, never a result at the wrong row.
 * - ERP.net does not say what `Import` does within an API transaction.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <A, I, Row extends EntityInput.EntityInput<A>, E, R>(
  set: EntitySet.EntitySet<A, I>,
  rows: Stream.Stream<Row, E, R>,
  options: RunOptions<Row>
): Stream.Stream<Result<Row>, E | ImportError, DomainApi.DomainApi | R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const api = yield* DomainApi.DomainApi
      const { action = "merge", loggingLevel = 2, model = "frontend", transaction = "per-object", type } = options
      const chunkSize = yield* Settings.count("chunkSize", options.chunkSize ?? 100)
      const url = yield* Either.map(Query.renderContext(options.context), (query) =>
        query === "" ? "Import" : `Import?${query}`
      )
      const isAtomic = transaction === "all-objects"
      const settings = { model, transaction, loggingLevel }
      const sending: Sending = { api, entitySet: set.name, url, headers: options.headers, settings }
      const report = (progress: Progress) => options.onProgress?.(progress) ?? Effect.void

      /** The results of a chunk, each at its row. */
      const importChunk = (progress: Progress, inputs: Chunk.Chunk<Row>) =>
        Effect.gen(function* () {
          const first = progress.processed
          const encoded = Chunk.toReadonlyArray(inputs).map((input): Encoded<Row> => {
            const annotations = {
              "@odata.type": input["@odata.type"] ?? type,
              "@erpnet.action": input["@erpnet.action"] ?? action
            }
            return { input, object: EntityInput.encode<A, I>(set, { ...input, ...annotations }) }
          })
          const objects = encoded.flatMap(({ object }) => Option.toArray(Either.getRight(object)))
          const isSent = isAtomic ? objects.length === encoded.length : objects.length > 0
          const answer = isSent ? yield* sendChunk(sending, objects, first, first + inputs.length - 1) : undefined
          const results = pair(encoded, answer?.outcomes ?? [], !isAtomic || answer?.isSaved === true, first)
          const next: Progress = { ...results.reduce(add, progress), dataExchange: answer?.dataExchange }
          yield* report(next)
          return [next, Chunk.unsafeFromArray(results)] as const
        })

      const spanned = (progress: Progress, inputs: Chunk.Chunk<Row>) =>
        withSpan(
          "Import.chunk",
          () => ({
            "erpnet.entity_set": set.name,
            "erpnet.import.first_row": progress.processed,
            "erpnet.import.rows": inputs.length
          }),
          () => importChunk(progress, inputs)
        )

      const start: Progress = { ...noCounts, dataExchange: undefined }
      yield* report(start)
      return rows.pipe(
        Stream.rechunk(chunkSize),
        Stream.chunks,
        Stream.mapAccumEffect(start, spanned),
        Stream.flattenChunks
      )
    })
  )
