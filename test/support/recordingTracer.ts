/** A tracer that keeps its spans for the test to look at. */
import { Exit, Option, Tracer } from "effect"

export interface RecordedSpan {
  readonly name: string
  readonly kind: string
  readonly parent: string | undefined
  readonly attributes: Record<string, unknown>
  readonly events: Array<{ readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }>
  readonly links: Array<string>
  outcome: "open" | "success" | "failure"
}

export const recordingTracer = (): { readonly tracer: Tracer.Tracer; readonly spans: Array<RecordedSpan> } => {
  const spans: Array<RecordedSpan> = []
  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const recorded: RecordedSpan = {
        name,
        kind,
        parent: Option.getOrUndefined(parent)?.spanId,
        attributes: {},
        events: [],
        links: links.map((link) => link.span.spanId),
        outcome: "open"
      }
      spans.push(recorded)
      const span: Tracer.Span = {
        _tag: "Span",
        name,
        spanId: `${name}#${spans.length}`,
        traceId: "0af7651916cd43dd8448eb211c80319c",
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes: new Map(),
        links,
        sampled: true,
        kind,
        end: (_, exit) => {
          recorded.outcome = Exit.isSuccess(exit) ? "success" : "failure"
        },
        attribute: (key, value) => {
          recorded.attributes[key] = value
        },
        event: (event, _, attributes) => {
          recorded.events.push({ name: event, attributes: attributes ?? {} })
        },
        addLinks: () => undefined
      }
      return span
    },
    context: (run) => run()
  })
  return { tracer, spans }
}
