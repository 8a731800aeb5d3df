import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Tracer from "effect/Tracer"

const nativeTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/** Runs an effect in a span; without a tracer there is no span and no cost. */
export const withSpan = <A, E, R>(
  name: string,
  attributes: () => Readonly<Record<string, unknown>>,
  run: (span: Tracer.Span | undefined) => Effect.Effect<A, E, R>,
  options: Pick<Tracer.SpanOptions, "kind" | "links" | "root"> = {}
): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber) => {
    const tracer = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Tracer.Tracer)
    if (tracer === nativeTracer || !fiber.getFiberRef(FiberRef.currentTracerEnabled)) return run(undefined)
    return Effect.useSpan(name, { ...options, captureStackTrace: false, attributes: { ...attributes() } }, (span) =>
      Effect.withParentSpan(run(span), span)
    )
  })
