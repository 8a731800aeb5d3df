/**
 * One entity as an answer.
 */
import type { Context } from "../data/context.ts"
import type { Row } from "../data/store.ts"
import { writeString } from "../model/jsonText.ts"
import type { EntityModel } from "../model/model.ts"
import { option, type QueryOptions } from "../odata/query.ts"
import { makeRenderer } from "../odata/render.ts"
import { parseSelection } from "../odata/select.ts"
import { checkOptions, hasFlag } from "./page.ts"

const singleOptions: ReadonlySet<string> = new Set(["$select", "$expand"])

/**
 * Reads one entity. `name` is the set's name as it was asked for.
 *
 * @category combinators
 * @since 0.1.0
 */
export const readRow = (
  context: Context,
  entity: EntityModel,
  name: string,
  row: Row,
  options: QueryOptions
): string => {
  checkOptions(options, singleOptions)
  const selection = parseSelection(
    context,
    entity,
    option(options, "$select"),
    option(options, "$expand"),
    hasFlag(options, "includeid")
  )
  const text = makeRenderer(context, selection, hasFlag(options, "skipnulls"))(row)
  return `{"@odata.context":${writeString(`${context.serviceRoot}$metadata#${name}/$entity`)},${text.slice(1)}`
}
