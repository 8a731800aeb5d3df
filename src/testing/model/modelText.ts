/**
 * A whole model as text, read set by set when each is first asked for.
 *
 * A line that begins with `+` is an enum type: its name and its members, each with its value where it is not the one
 * after that of the member before. A line that begins with `=` is an entity set, with tabs between: name, type (empty:
 * the name without its last letter), table, base set, flags (`r` aggregate root, `v` view, `a` abstract, `k:Name` the
 * name of its key), code member, search members, display text. The lines after it are its members: attributes in the
 * notation of the entity sets (h Int16, y Byte, f Double, t TimeOfDay; flags EGLIO in one word, x obsolete),
 * references that begin with `>` (r read only), child collections that begin with `<`, and former names that begin
 * with `~`. Sets are named by their position, in base 36.
 */
import { LazyMap } from "./lazyMap.ts"
import {
  type Attribute,
  type Children,
  type EntityModel,
  type EnumModel,
  type Model,
  type Reference,
  readAttribute,
  readReference,
  rootAttributes,
  systemAttributes
} from "./model.ts"

interface Head {
  readonly set: string
  readonly type: string
  readonly table: string
  readonly base: string | undefined
  readonly flags: ReadonlyArray<string>
  readonly code: string | undefined
  readonly search: ReadonlyArray<string>
  readonly display: string
  /** Where the members stand. */
  readonly from: number
  readonly to: number
}

/** The text in parts: what stands in the first characters of each line tells what it is. */
interface Parts {
  readonly heads: ReadonlyMap<string, Head>
  readonly sets: ReadonlyArray<string>
  readonly enums: ReadonlyMap<string, string>
  readonly body: string
}

const words = (text: string): ReadonlyArray<string> => text.split(" ").filter((word) => word !== "")

const readHead = (line: string, from: number, to: number, setAt: (position: string) => string): Head => {
  const [set = "", type = "", table = "", base = "", flags = "", code = "", search = "", display = ""] = line
    .slice(1)
    .split("\t")
  return {
    set,
    type: type === "" ? set.slice(0, -1) : type,
    table: table === "" ? set : table,
    base: base === "" ? undefined : setAt(base),
    flags: words(flags),
    code: code === "" ? undefined : code,
    search: words(search),
    display,
    from,
    to
  }
}

const split = (text: string): Parts => {
  const enums = new Map<string, string>()
  for (const [line] of text.matchAll(/^\+.*$/gm)) enums.set(line.slice(1, line.indexOf(" ")), line)
  const found = [...text.matchAll(/^=.*$/gm)]
  const sets = found.map(([line]) => line.slice(1, line.indexOf("\t")))
  const setAt = (position: string): string => sets[Number.parseInt(position, 36)] ?? ""
  const heads = new Map<string, Head>()
  for (const [index, match] of found.entries()) {
    const end = found[index + 1]?.index ?? text.length
    const head = readHead(match[0], match.index + match[0].length + 1, end, setAt)
    heads.set(head.set, head)
  }
  return { heads, sets, enums, body: text }
}

const readEnum = (line: string): EnumModel => {
  const members = new Map<string, number>()
  let next = 0
  for (const word of words(line).slice(1)) {
    const [name = "", value] = word.split("=")
    if (value !== undefined) next = Number(value)
    members.set(name, next++)
  }
  return members
}

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line.trim() !== "")

interface Members {
  readonly attributes: ReadonlyArray<Attribute>
  readonly references: ReadonlyArray<Reference>
  readonly children: ReadonlyArray<Children>
}

const readMembers = (text: string, setAt: (position: string) => string): Members => {
  const attributes: Array<Attribute> = []
  const references: Array<Reference> = []
  const children: Array<Children> = []
  for (const line of lines(text)) {
    const [name = "", second = "", ...rest] = words(line)
    if (line.startsWith(">")) references.push(readReference([name.slice(1), setAt(second), ...rest]))
    else if (line.startsWith("<")) children.push({ name: name.slice(1), target: setAt(second), via: rest[0] ?? "" })
    else if (!line.startsWith("~")) attributes.push(readAttribute([name, second, ...rest]))
  }
  return { attributes, references, children }
}

const byName = <A extends { readonly name: string }>(items: ReadonlyArray<A>): ReadonlyMap<string, A> =>
  new Map(items.map((item) => [item.name, item]))

const systemOf = (head: Head, base: EntityModel | undefined): ReadonlyArray<Attribute> => {
  const key = head.flags.find((flag) => flag.startsWith("k:"))?.slice(2)
  const isView = head.flags.includes("v")
  const texts = [
    base === undefined && !(isView && key !== undefined) ? systemAttributes : "",
    isView && base === undefined && key !== undefined ? "ObjectVersion i r hidden\nDisplayText S c" : "",
    key === undefined ? "" : `${key} g! r hidden E G I`,
    head.flags.includes("r") && base?.root !== true ? rootAttributes : ""
  ]
  return texts.flatMap((text) => lines(text).map((line) => readAttribute(words(line))))
}

const abstractSets: ReadonlySet<string> = new Set(["General_Documents_Documents", "General_Contacts_Parties"])

/**
 * Reads a model. Each entity type is read when it is first asked for.
 *
 * @category constructors
 * @since 0.2.0
 */
export const readModel = (text: string): Model => {
  const { body, enums, heads, sets } = split(text)
  const setAt = (position: string): string => sets[Number.parseInt(position, 36)] ?? ""
  const derived = new Map<string, Array<string>>()
  for (const { base, set } of heads.values()) {
    if (base !== undefined) derived.set(base, [...(derived.get(base) ?? []), set])
  }
  const isAbstract = (head: Head): boolean => head.flags.includes("a") || abstractSets.has(head.set)
  const storedIn = (head: Head): ReadonlyArray<string> => [
    ...(isAbstract(head) ? [] : [head.set]),
    ...(derived.get(head.set) ?? []).flatMap((set) => {
      const inner = heads.get(set)
      return inner === undefined ? [] : storedIn(inner)
    })
  ]
  const make = (set: string): EntityModel => {
    const head = heads.get(set)
    if (head === undefined) throw new Error(`The model has no entity set ${set}`)
    const base = head.base === undefined ? undefined : entities.get(head.base)
    const key = head.flags.find((flag) => flag.startsWith("k:"))?.slice(2)
    const { attributes, children, references } = readMembers(body.slice(head.from, head.to), setAt)
    const isView = head.flags.includes("v")
    const ownKeys = base === undefined && !(isView && key !== undefined) ? ["Id"] : []
    return {
      set,
      type: head.type,
      table: head.table,
      base: head.base,
      bases: base === undefined ? [] : [base.set, ...base.bases],
      abstract: isAbstract(head),
      root: head.flags.includes("r"),
      ...(isView ? { view: true } : {}),
      keys: new Set([...(base?.keys ?? ownKeys), ...(key === undefined ? [] : [key])]),
      code: head.code ?? base?.code,
      search: head.search.length > 0 ? head.search : (base?.search ?? []),
      display: head.display,
      attributes: new Map([...(base?.attributes ?? []), ...byName(systemOf(head, base)), ...byName(attributes)]),
      references: new Map([...(base?.references ?? []), ...byName(references)]),
      children: new Map([...(base?.children ?? []), ...byName(children)]),
      storedIn: storedIn(head)
    }
  }
  const entities = new LazyMap(sets, make)
  const setOfType = new Map([...heads.values()].map((head) => [head.type, head.set]))
  const entityOfType = (type: string): EntityModel => {
    const set = setOfType.get(type) ?? ""
    return entities.get(set) ?? make(set)
  }
  return {
    entities,
    byType: new LazyMap(setOfType.keys(), entityOfType),
    enums: new LazyMap(enums.keys(), (name) => readEnum(enums.get(name) ?? ""))
  }
}
