/** Finished OpenTelemetry spans as lines: the children of a span below it, further to the right. */
import { SpanKind, SpanStatusCode } from "@opentelemetry/api"
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"

// The ports of a demo change from run to run, and the ids of traces mean nothing to a reader.
const shown = ["http.route", "erpnet.entity_set", "url.path", "http.response.status_code", "erpnet.scopes"]

const describe = (span: ReadableSpan): string => {
  const attributes = shown.flatMap((key) => {
    const value = span.attributes[key]
    return value === undefined ? [] : [`${key}=${String(value)}`]
  })
  const attempts = span.events.filter(({ name }) => name === "attempt")
  const statuses = attempts.map(({ attributes }) => attributes?.["http.response.status_code"])
  return [
    span.name,
    `(${SpanKind[span.kind].toLowerCase()})`,
    ...attributes,
    ...(attempts.length > 1 ? [`attempts=${statuses.join(",")}`] : []),
    ...(span.status.code === SpanStatusCode.ERROR ? ["failed"] : [])
  ].join(" ")
}

/** The trace whose root has this name, and the roots of other traces that are linked to it. */
export const spanTree = (spans: ReadonlyArray<ReadableSpan>, rootName: string): ReadonlyArray<string> => {
  const trace = spans.find(({ name }) => name === rootName)?.spanContext().traceId
  const below = (span: ReadableSpan, depth: number): ReadonlyArray<string> => [
    `${"  ".repeat(depth)}${describe(span)}`,
    ...spans
      .filter((child) => child.parentSpanContext?.spanId === span.spanContext().spanId)
      .flatMap((child) => below(child, depth + 1))
  ]
  const roots = spans.filter((span) => span.parentSpanContext === undefined)
  const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
  return [
    ...roots.filter((span) => span.spanContext().traceId === trace).flatMap((root) => below(root, 0)),
    ...roots.flatMap((root) =>
      root.links
        .filter(({ context }) => context.traceId === trace)
        .flatMap(({ context }) => [...below(root, 0), `  linked to ${nameOf.get(context.spanId)}`])
    )
  ]
}
