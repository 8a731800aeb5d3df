/**
 * The answer to a batch.
 */

import type { Target } from "../data/context.ts"
import { malformed } from "../model/errors.ts"
import type { DomainReply, DomainRequest } from "../model/types.ts"
import { type Operation, readBatch, requestOf, writeMultipart, writeNested, writeReply } from "../odata/multipart.ts"
import { answerIn, type Engine, guarded, targetOf, transactionOf } from "./engine.ts"
import { executeTogether } from "./execute.ts"

/** What later parts of a batch may call `$id`: the entity that was created, or the one that the request was for. */
const remember = (
  contentIds: Map<string, string>,
  id: string | undefined,
  request: DomainRequest,
  reply: DomainReply
) => {
  if (id === undefined || reply.status >= 400) return
  const { location } = reply.headers
  contentIds.set(`$${id}`, location === undefined ? request.path : location.slice(request.serviceRoot.length))
}

interface PartReply {
  readonly reply: DomainReply
  readonly contentId: string | undefined
}

/** One part of the answer, and whether what it answers failed. */
interface Part {
  readonly text: string
  readonly failed: boolean
}

const answerPart = (
  engine: Engine,
  outer: DomainRequest,
  operation: Operation,
  contentIds: Map<string, string>,
  targetFor: (request: DomainRequest) => Target
): PartReply => {
  const { contentId } = operation
  const reply = guarded(engine.settings, () => {
    const request = requestOf(outer, operation, contentIds)
    if (request.path === "$batch") throw malformed("A batch cannot hold another one.", 400)
    const answered = answerIn(engine, { ...targetFor(request), contentIds }, request)
    remember(contentIds, contentId, request, answered)
    return answered
  })
  return { reply, contentId }
}

const answerChangeset = (
  engine: Engine,
  outer: DomainRequest,
  operations: ReadonlyArray<Operation>,
  contentIds: Map<string, string>
): Part => {
  const target = targetOf(engine, outer, transactionOf(engine, outer))
  const known = new Map(contentIds)
  const isFailure = ({ reply }: PartReply): boolean => reply.status >= 400
  const replies = executeTogether(
    target,
    (inner) => {
      const done: Array<PartReply> = []
      for (const operation of operations) {
        const part = answerPart(engine, outer, operation, known, () => inner)
        // the failed operation is the whole answer
        if (isFailure(part)) return [part]
        done.push(part)
      }
      return done
    },
    (parts) => parts.some(isFailure)
  )
  const [first] = replies
  if (first !== undefined && isFailure(first) && engine.settings.failedChangeset === "single") {
    return { text: writeReply(first.reply, first.contentId), failed: true }
  }
  for (const [id, entity] of known) contentIds.set(id, entity)
  const text = writeNested(
    `changesetresponse_${engine.random.guid()}`,
    replies.map(({ contentId, reply }) => writeReply(reply, contentId))
  )
  return { text, failed: replies.some(isFailure) }
}

const answerItem = (
  engine: Engine,
  outer: DomainRequest,
  item: ReturnType<typeof readBatch>[number],
  contentIds: Map<string, string>
): Part => {
  if (item.kind === "changeset") return answerChangeset(engine, outer, item.operations, contentIds)
  const { contentId, reply } = answerPart(engine, outer, item.operation, contentIds, (request) =>
    targetOf(engine, request, transactionOf(engine, request))
  )
  return { text: writeReply(reply, contentId), failed: reply.status >= 400 }
}

/**
 * Answers a batch: its parts one after the other, each changeset as a whole.
 *
 * @category combinators
 * @since 0.1.0
 */
export const answerBatch = (engine: Engine, outer: DomainRequest): DomainReply => {
  const items = readBatch(outer)
  // a transaction that does not exist fails the batch as a whole
  transactionOf(engine, outer)
  const contentIds = new Map<string, string>()
  const stops =
    engine.settings.batchErrors === "asPreferred" &&
    !/(?:^|[,;\s])(?:odata\.)?continue-on-error(?:\s*=\s*true)?\s*(?:$|[,;])/i.test(outer.headers["prefer"] ?? "")
  const parts: Array<string> = []
  for (const item of items) {
    const part = answerItem(engine, outer, item, contentIds)
    parts.push(part.text)
    if (part.failed && stops) break
  }
  const boundary = `batchresponse_${engine.random.guid()}`
  return {
    status: 200,
    headers: { "content-type": `multipart/mixed; boundary=${boundary}`, "odata-version": "4.0" },
    body: writeMultipart(boundary, parts)
  }
}
