/**
 * Writes the data file of the embedded instance's standard model from the JSON of the domain model documentation.
 *
 *   tsx test/tools/model/write.ts PATH_OF_THE_JSON
 *
 * The format is that of src/testing/model/standard.ts.
 */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"

interface AttributeJson {
  readonly t: string
  readonly r?: 1
  readonly l?: number
  readonly p?: string | number
  readonly f?: string
  readonly o?: 1
  readonly d?: string
  readonly ro?: 1
  readonly c?: 1
  readonly s?: 1
  readonly by?: string
  readonly v?: string
  readonly x?: unknown
}
interface ReferenceJson {
  readonly to: string
  readonly r?: 1
  readonly path?: 1
  readonly owner?: 1
  readonly ro?: 1
  readonly c?: 1
  readonly x?: unknown
}
interface EntityJson {
  readonly type: string
  readonly table?: string
  readonly root: string
  readonly base?: string
  readonly access?: string
  readonly code?: string
  readonly search?: ReadonlyArray<string>
  readonly display: string
  readonly renames?: ReadonlyArray<readonly [string, string]>
  readonly attributes: Readonly<Record<string, AttributeJson>>
  readonly references?: Readonly<Record<string, ReferenceJson>>
  readonly children?: Readonly<Record<string, { readonly of: string; readonly via?: string }>>
}
interface ModelJson {
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>
  readonly entities: Readonly<Record<string, EntityJson>>
}

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error("usage: tsx test/tools/model/write.ts PATH_OF_THE_JSON")
const model: ModelJson = JSON.parse(await readFile(path, "utf8"))
const sets = Object.keys(model.entities).sort((a, b) => (a < b ? -1 : 1))

const letters: Readonly<Record<string, string>> = {
  String: "s",
  Int32: "i",
  Int64: "l",
  Int16: "h",
  Byte: "y",
  Boolean: "b",
  Date: "d",
  DateTime: "dt",
  TimeOfDay: "t",
  Guid: "g",
  Decimal: "dec",
  Double: "f",
  Amount: "A",
  Quantity: "Q",
  MultilanguageString: "M",
  Binary: "bin"
}

const entityOf = (set: string): EntityJson => {
  const entity = model.entities[set]
  if (entity === undefined) throw new Error(`no entity set ${set}`)
  return entity
}

/** Members of the base types are included. */
const referencesOf = (set: string): Readonly<Record<string, ReferenceJson>> => {
  const { base, references } = entityOf(set)
  return { ...(base === undefined ? {} : referencesOf(base)), ...references }
}

const measures = new Set(["General_Currencies_Currencies", "General_Products_MeasurementUnits"])

/** A path that leads through references to a currency or a unit; some in the source are code of the server. */
const isMeasurePath = (set: string, by: string): boolean => {
  let at = set
  for (const name of by.split(".")) {
    const reference = referencesOf(at)[name]
    if (reference === undefined) return false
    at = reference.to
  }
  return measures.has(at)
}

const defaultOf = ({ d, t }: AttributeJson): string | undefined => {
  if (d === undefined || d === "NewGuid") return undefined
  const members = model.enums[t]
  if (members !== undefined) {
    return members[d] !== undefined ? d : Object.keys(members).find((name) => members[name] === Number(d))
  }
  switch (t) {
    case "Boolean":
      return d.toLowerCase()
    case "Date":
    case "DateTime":
      return d === "CurrentDate" || t === "Date" ? "today" : "now"
    case "Amount":
    case "Quantity":
      return "0"
    case "String":
      return /^\S+$/.test(d) ? d : undefined
    default:
      return /^-?\d+(?:\.\d+)?$/.test(d) ? d : undefined
  }
}

const size = ({ l, p }: AttributeJson): string => (l !== undefined ? `(${l})` : p !== undefined ? `(${p})` : "")

const attributeLine = (set: string, name: string, attribute: AttributeJson): string => {
  const { by, c, f = "", o, r, ro, t, x } = attribute
  const type = t === "String" && attribute.l === undefined ? "S" : `${letters[t] ?? t}${size(attribute)}`
  const value = defaultOf(attribute)
  return [
    name,
    `${type}${r ? "!" : ""}`,
    ...(c ? ["c"] : ro ? ["r"] : []),
    ...(value === undefined ? [] : [`=${value}`]),
    ...(f === "" && !o ? [] : [`${f}${o ? "O" : ""}`]),
    ...(by !== undefined && isMeasurePath(set, by) ? [`by:${by}`] : []),
    ...(x === undefined ? [] : ["x"])
  ].join(" ")
}

const systemNames = new Set([
  "Id",
  "ObjectVersion",
  "DisplayText",
  "ExternalId",
  "ExternalSystem",
  "AggregateLastUpdateTimeUtc",
  "AdditionalDataJson"
])

const number = (set: string): string => {
  const index = sets.indexOf(set)
  if (index < 0) throw new Error(`no entity set ${set}`)
  return index.toString(36)
}

const entityLines = (set: string): ReadonlyArray<string> => {
  const entity = entityOf(set)
  const { attributes, base, code = "", display, references = {}, search = [], table = "", type } = entity
  const key = Object.entries(attributes).find(([name, { d }]) => d === "NewGuid" && name !== "Id")?.[0]
  const hasId = "Id" in attributes
  const flags = [
    ...(entity.root === set ? ["r"] : []),
    ...(entity.access === "r" || table === "" ? ["v"] : []),
    ...(key !== undefined ? [`k:${key}`] : hasId || base !== undefined ? [] : ["k:ViewItemId"])
  ].join(" ")
  const header = [
    `=${set}`,
    type === set.slice(0, -1) ? "" : type,
    table,
    base === undefined ? "" : number(base),
    flags,
    code,
    search.join(" "),
    display
  ].join("\t")
  return [
    header,
    ...Object.entries(attributes)
      .filter(([name, { d }]) => !systemNames.has(name) && !(d === "NewGuid" && name === key))
      .map(([name, attribute]) => attributeLine(set, name, attribute)),
    ...Object.entries(references).map(([name, { c, owner, path, r, ro, to, x }]) =>
      [
        `>${name}${r ? "!" : ""}`,
        number(to),
        ...(path ? ["F"] : []),
        ...(owner ? ["owner"] : []),
        ...(ro || c ? ["r"] : []),
        ...(x === undefined ? [] : ["x"])
      ].join(" ")
    ),
    ...Object.entries(entity.children ?? {}).flatMap(([name, { of, via }]) =>
      via === undefined ? [] : [`<${name} ${number(of)} ${via}`]
    ),
    ...(entity.renames ?? []).map(([name, version]) => `~${name} ${version}`)
  ]
}

const enumLine = (name: string, members: Readonly<Record<string, number>>): string => {
  let next = 0
  const words = Object.entries(members).map(([member, value]) => {
    const word = value === next ? member : `${member}=${value}`
    next = value + 1
    return word
  })
  return `+${name} ${words.join(" ")}`
}

const lines = [
  "Based on the ERP.net model documentation, CC BY 4.0",
  ...Object.entries(model.enums)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => enumLine(name, members)),
  ...sets.flatMap(entityLines)
]
const target = join(import.meta.dirname, "../../../src/testing/model/standardModel.txt")
await writeFile(target, `${lines.join("\n")}\n`)
console.log(`${sets.length} sets, ${lines.length} lines`)
