import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Tracer from "effect/Tracer"
import type { DomainApiError, Lookup, Read, Step } from "../DomainRequest.ts"
import { withSpan } from "../internal/tracing.ts"
import type * as Coalesce from "./coalesce.ts"

/** Reads an entity together with those that other fibers ask for. Each caller decodes its own row, by its own Schema. */
export const joined = <A>(
  lookups: Coalesce.Lookup<unknown, DomainApiError>,
  send: <B>(read: Read<B>) => Effect.Effect<B, DomainApiError>,
  root: string,
  target: string,
  lookup: Lookup<A>
): Effect.Effect<Step<A>, DomainApiError> => {
  const group: Coalesce.LookupGroup<unknown, DomainApiError> = {
    key: lookup.key,
    path: `${root}${target}`,
    fetch: (ids, spans) => {
      // It serves several callers, so it is a child of none of them.
      const links = spans.map((span): Tracer.SpanLink => ({ _tag: "SpanLink", span, attributes: {} }))
      return withSpan(
        "DomainApi.lookup",
        () => ({ "erpnet.entity_set": target, "erpnet.lookup.ids": ids.length }),
        () => send(lookup.together(ids)),
        { root: true, links }
      )
    }
  }
  return Effect.flatMap(lookups(group, lookup.id), (row) =>
    Either.merge(
      Either.mapBoth(lookup.decode(row), {
        onLeft: Effect.fail,
        onRight: Effect.succeed
      })
    )
  )
}
