/** What `describe` takes out of `$metadata`: entity sets, and the fields of a type with those that it inherits. */

const attribute = (tag: string, name: string): string | undefined =>
  new RegExp(`\\s${name}="([^"]*)"`)
    .exec(tag)?.[1]
    ?.replace(/&quot;/g, '"')
    .replace(/&lt;/g, "<")
    .replace(/&amp;/g, "&")

const shortType = (type: string): string => type.replace(/(?:Edm|Erp)\./g, "")

/** The entity sets, each with the name of its type. */
export const setsOf = (metadata: string): ReadonlyMap<string, string> =>
  new Map(
    [...metadata.matchAll(/<EntitySet\s[^>]*>/g)].map(([tag]) => [
      attribute(tag, "Name") ?? "",
      shortType(attribute(tag, "EntityType") ?? "")
    ])
  )

/** A field of an entity type. */
export interface Field {
  readonly Field: string
  readonly Type: string
  readonly Length: string
  readonly Required: string
  readonly Filter: string
  readonly Order: string
}

const elementOf = (metadata: string, type: string): { readonly tag: string; readonly body: string } | undefined => {
  const found = new RegExp(`<EntityType\\s[^>]*\\bName="${type}"[^>]*?(/?)>`).exec(metadata)
  if (found === null) return undefined
  const from = found.index + found[0].length
  return { tag: found[0], body: found[1] === "/" ? "" : metadata.slice(from, metadata.indexOf("</EntityType>", from)) }
}

const unmarked = /(?:NotFilterable|NotSortable)/

/** What the annotations of a field say of a capability; where they say nothing, nothing is claimed. */
const flag = (content: string, term: RegExp): string => {
  const found = term.exec(content)
  return found === null ? "" : (found[1] ?? "yes")
}

const fieldOf = (tag: string, content: string): Field => {
  const type = attribute(tag, "Type") ?? ""
  return {
    Field: attribute(tag, "Name") ?? "",
    Type: shortType(type),
    Length: attribute(tag, "MaxLength") ?? "",
    Required: attribute(tag, "Nullable") === "false" ? "yes" : "",
    Filter: unmarked.test(content)
      ? "no"
      : flag(content, /Term="[^"]*(?:SupportedFilters|Filter)[^"]*"\s+String="([^"]*)"/),
    Order: flag(content, /Term="[^"]*(?:Orderable|Sortable)[^"]*"\s+Bool="([^"]*)"/)
  }
}

/** The fields of a type, those of its base types first. */
export const fieldsOf = (metadata: string, type: string): ReadonlyArray<Field> => {
  const element = elementOf(metadata, type)
  if (element === undefined) return []
  const base = attribute(element.tag, "BaseType")
  const fields = element.body.matchAll(
    /(<(?:Navigation)?Property\s[^>]*?)(?:\/>|>([\s\S]*?)<\/(?:Navigation)?Property>)/g
  )
  const own = [...fields].map(([, tag = "", content = ""]) => fieldOf(tag, content))
  return base === undefined ? own : [...fieldsOf(metadata, shortType(base)), ...own]
}
