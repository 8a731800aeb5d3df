/**
 * `$select` and `$expand`: which members of a row are shown.
 */
import type { Context } from "../data/context.ts"
import { malformed, notSupported, unknownProperty } from "../model/errors.ts"
import {
  type Attribute,
  type Children,
  type EntityModel,
  entityOf,
  findAttribute,
  type Reference
} from "../model/model.ts"

/**
 * What a row shows, in the order of the model.
 *
 * @category models
 * @since 0.1.0
 */
export interface Selection {
  readonly entity: EntityModel
  readonly attributes: ReadonlyArray<Attribute>
  /** References, and for the expanded ones what their rows show. */
  readonly references: ReadonlyArray<{ readonly reference: Reference; readonly expanded: Selection | undefined }>
  /** Expanded child collections; without a selection only their ids (`/$ref`). */
  readonly children: ReadonlyArray<ChildSelection>
}

/**
 * An expanded child collection, with the query options that ask for the rest of it.
 *
 * @category models
 * @since 0.2.0
 */
export interface ChildSelection {
  readonly children: Children
  readonly expanded: Selection | undefined
  readonly options: ReadonlyArray<readonly [name: string, value: string]>
}

/** What asks for the same rows again when they are read by themselves. */
const optionsOf = ({ expand, select }: Expansion, withId: boolean): ChildSelection["options"] => [
  ...(select === undefined ? [] : [["$select", select] as const]),
  ...(expand === undefined ? [] : [["$expand", expand] as const]),
  ...(withId ? [["options", "includeid"] as const] : [])
]

/**
 * Splits at a separator outside parentheses and quoted strings.
 *
 * @category combinators
 * @since 0.1.0
 */
export const splitTopLevel = (text: string, separator: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let quoted = false
  let start = 0
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index)
    if (char === "'") quoted = !quoted
    if (quoted) continue
    if (char === "(") depth++
    if (char === ")") depth--
    if (depth < 0) break
    if (char === separator && depth === 0) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  if (depth !== 0 || quoted) throw malformed(`Found an unbalanced bracket expression in '${text}'.`)
  parts.push(text.slice(start))
  return parts.map((part) => part.trim())
}

interface Expansion {
  readonly name: string
  readonly idsOnly: boolean
  readonly select: string | undefined
  readonly expand: string | undefined
}

const readExpansion = (text: string): Expansion => {
  const [, path = "", inner] = /^([^()]+?)(?:\(([\s\S]*)\))?$/.exec(text) ?? []
  const [name = "", suffix, ...rest] = path.trim().split("/")
  if (name === "" || rest.length > 0 || (suffix !== undefined && suffix !== "$ref")) {
    throw name === ""
      ? malformed(`Syntax error in $expand: '${text}'.`)
      : notSupported(`The path '${path}' is not supported in $expand.`)
  }
  const found = new Map<string, string>()
  for (const part of inner === undefined ? [] : splitTopLevel(inner, ";")) {
    const equals = part.indexOf("=")
    const option = equals === -1 ? part : part.slice(0, equals).trim()
    if (option !== "$select" && option !== "$expand") throw notSupported(`'${option}' is not supported in $expand.`)
    if (found.has(option)) throw malformed(`'${option}' was specified more than once in $expand.`)
    found.set(option, part.slice(equals + 1).trim())
  }
  if (suffix === "$ref" && found.size > 0) throw notSupported("$ref does not take options in $expand.")
  return { name, idsOnly: suffix === "$ref", select: found.get("$select"), expand: found.get("$expand") }
}

const maxDepth = 12

/**
 * Reads what the rows of an entity set show. `withId` adds Id to the default selection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parseSelection = (
  context: Context,
  entity: EntityModel,
  select: string | undefined,
  expand: string | undefined,
  withId = false,
  depth = 0
): Selection => {
  const { store, version } = context
  if (depth > maxDepth)
    throw malformed(`The request includes a $expand path which is too deep. The maximum depth allowed is ${maxDepth}.`)
  const words = select === undefined ? ["default"] : splitTopLevel(select, ",")
  const named = new Set<string>()
  let byDefault = false
  for (const word of words) {
    if (word === "*" || word.toLowerCase() === "default") byDefault = true
    else if (word === "") throw malformed("Found an empty item in $select.")
    else if (word.includes("/") || word.includes("(")) throw notSupported(`'${word}' is not supported in $select.`)
    else if (findAttribute(entity, word, version) || entity.references.has(word) || entity.children.has(word))
      named.add(word)
    else throw unknownProperty(word, entity.type)
  }
  if (withId && byDefault) named.add("Id")

  const expansions = new Map<string, Expansion>()
  for (const part of expand === undefined || expand.trim() === "" ? [] : splitTopLevel(expand, ",")) {
    const expansion = readExpansion(part)
    if (!entity.references.has(expansion.name) && !entity.children.has(expansion.name)) {
      throw findAttribute(entity, expansion.name, version) === undefined
        ? unknownProperty(expansion.name, entity.type)
        : malformed(
            `Property '${expansion.name}' on type 'Erp.${entity.type}' is not a navigation property or complex property. Only navigation properties can be expanded.`
          )
    }
    if (expansions.has(expansion.name)) throw malformed(`'${expansion.name}' was specified more than once in $expand.`)
    expansions.set(expansion.name, expansion)
  }

  const expandedTo = (target: string, expansion: Expansion | undefined): Selection | undefined =>
    expansion === undefined || expansion.idsOnly
      ? undefined
      : parseSelection(context, entityOf(store.model, target), expansion.select, expansion.expand, withId, depth + 1)

  return {
    entity,
    attributes: [...entity.attributes.values()].filter(
      (attribute) =>
        named.has(attribute.name) ||
        (byDefault && attribute.byDefault && findAttribute(entity, attribute.name, version) !== undefined)
    ),
    references: [...entity.references.values()]
      .filter(({ hidden, name }) => (byDefault && hidden !== true) || named.has(name) || expansions.has(name))
      .map((reference) => ({ reference, expanded: expandedTo(reference.target, expansions.get(reference.name)) })),
    children: [...entity.children.values()].flatMap((children) => {
      const expansion = expansions.get(children.name)
      if (expansion === undefined) return []
      return [{ children, expanded: expandedTo(children.target, expansion), options: optionsOf(expansion, withId) }]
    })
  }
}
