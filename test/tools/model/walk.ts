/**
 * Walks the model of the embedded instance: what the model allows of a set has to work on it.
 *
 *   npm run model-walk
 */
import * as Domain from "../../../src/testing/engine/domain.ts"
import type { Attribute, EntityModel, Model, Reference } from "../../../src/testing/model/model.ts"
import { standardModel } from "../../../src/testing/model/standard.ts"
import type { DomainReply } from "../../../src/testing/model/types.ts"

/** What is wrong with a set, and how many things were tried. */
export interface Walked {
  readonly set: string
  readonly faults: ReadonlyArray<string>
  readonly tried: number
}

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

const decimalPart = (value: unknown): string | undefined => {
  const part = isJson(value) ? value["Value"] : undefined
  return part === undefined ? undefined : String(part)
}

/** The name to filter by and the value as a literal; `undefined` where the kind cannot be compared. */
const literalOf = (attribute: Attribute, value: unknown): readonly [name: string, literal: string] | undefined => {
  const { kind, name } = attribute
  switch (kind) {
    case "string":
    case "enum":
      return [name, quote(String(value))]
    case "amount":
    case "quantity": {
      const part = decimalPart(value)
      return part === undefined ? undefined : [`${name}Value`, part]
    }
    case "custom":
      return [name, quote(String(isJson(value) ? value["Value"] : ""))]
    case "multilanguage":
    case "binary":
      return undefined
    default:
      return [name, String(value)]
  }
}

const textOf = (value: unknown): string | undefined => {
  const text = isJson(value) ? value["EN"] : value
  return typeof text === "string" && text !== "" ? text : undefined
}

const nextDay = (text: string): string => new Date(Date.parse(text) + 86_400_000).toISOString()

const isTime = ({ kind }: Attribute): boolean => kind === "date" || kind === "dateTime"

/** The filters that the flags of an attribute allow, and that find the row with this value. */
const filtersOf = (attribute: Attribute, value: unknown): ReadonlyArray<string> => {
  const found: Array<string> = []
  const has = (group: "E" | "G" | "L" | "I") => attribute.filters.has(group)
  const literal = literalOf(attribute, value)
  if (literal !== undefined) {
    const [name, text] = literal
    if (has("E") && !isTime(attribute)) found.push(`${name} eq ${text}`, `equalnull(${name},${text})`)
    if (has("G") && attribute.kind !== "boolean") {
      found.push(`${name} ge ${text}`, `${name} le ${isTime(attribute) ? nextDay(text) : text}`)
    }
    if (has("I") && attribute.kind !== "custom" && !isTime(attribute)) found.push(`${name} in (${text},${text})`)
  }
  const text = textOf(value)
  if (has("L") && text !== undefined && ["string", "enum", "multilanguage"].includes(attribute.kind)) {
    found.push(`contains(${attribute.name},${quote(text.slice(1))})`)
    if (attribute.kind !== "multilanguage") found.push(`startswith(${attribute.name},${quote(text.slice(0, 2))})`)
  }
  return found
}

const sizes: Readonly<Partial<Record<Attribute["kind"], RegExp>>> = {
  guid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  date: /^\d{4}-\d\d-\d\dT00:00:00Z$/,
  dateTime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/,
  time: /^\d\d:\d\d:\d\d$/,
  binary: /^[A-Za-z0-9+/]*=*$/
}

/** Why a value does not obey the model. */
const valueFault = (model: Model, attribute: Attribute, value: unknown): string | undefined => {
  const { kind, maxLength, name, required } = attribute
  if (value === null) return required && !attribute.calculated ? `${name} is required and null` : undefined
  const fault = `${name}: ${JSON.stringify(value)} is no ${kind}`
  const isText = typeof value === "string"
  switch (kind) {
    case "string":
      return isText && value.length <= (maxLength ?? Number.POSITIVE_INFINITY) ? undefined : fault
    case "multilanguage":
      return isJson(value) && Object.values(value).every((text) => String(text).length <= (maxLength ?? 1e9))
        ? undefined
        : fault
    case "boolean":
      return typeof value === "boolean" ? undefined : fault
    case "int":
    case "short":
    case "byte":
    case "int64":
      return Number.isInteger(value) ? undefined : fault
    case "decimal":
    case "double":
      return typeof value === "number" ? undefined : fault
    case "amount":
    case "quantity":
      return isJson(value) && typeof value["Value"] === "number" ? undefined : fault
    case "enum":
      return model.enums.get(attribute.enumName ?? "")?.has(String(value)) === true ? undefined : fault
    case "custom":
      return isJson(value) ? undefined : fault
    default:
      return isText && sizes[kind]?.test(value) === true ? undefined : fault
  }
}

/** A value that a client may write. */
const writable = (model: Model, attribute: Attribute, sample: unknown): unknown => {
  if (sample !== null && sample !== undefined) return sample
  const { kind, maxLength = 9 } = attribute
  switch (kind) {
    case "string":
      return "Written99".slice(0, maxLength)
    case "multilanguage":
      return { EN: "Written99".slice(0, maxLength) }
    case "enum":
      return [...(model.enums.get(attribute.enumName ?? "")?.keys() ?? [])][0]
    case "boolean":
      return true
    case "date":
    case "dateTime":
      return "2026-01-02T00:00:00Z"
    case "time":
      return "08:30:00"
    case "guid":
      return "11111111-1111-4111-8111-111111111111"
    case "binary":
      return "AQID"
    case "amount":
    case "quantity":
    case "custom":
      return undefined
    default:
      return 1
  }
}

/** Walks one set after the other on an instance of its own. */
export const makeWalk = (options: Parameters<typeof Domain.make>[0] = {}) => {
  const model = standardModel()
  const domain = Domain.make({ strictFilters: true, strictOrderBy: true, ...options })
  const send = (method: string, path: string, query: Readonly<Record<string, string>> = {}, body = ""): DomainReply =>
    domain.handle({
      method,
      path,
      query: Object.entries(query)
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        .join("&"),
      headers: {},
      body,
      scopes: ["read", "update"],
      now: Date.UTC(2026, 6, 1),
      serviceRoot: "https://testdb.my.erp.net/api/domain/odata/",
      version: "27.1.9.9",
      session: "walk"
    })

  const walk = (set: string): Walked => {
    const entity = model.entities.get(set)
    if (entity === undefined) return { set, faults: [`there is no set ${set}`], tried: 0 }
    const faults: Array<string> = []
    let tried = 0
    const json = (path: string, query: Readonly<Record<string, string>> = {}): Json => {
      tried++
      const reply = send("GET", path, query)
      const value: unknown = reply.status === 200 ? JSON.parse(reply.body) : undefined
      if (isJson(value)) return value
      faults.push(`GET ${path} ${JSON.stringify(query)}: ${reply.status} ${reply.body.slice(0, 200)}`)
      return {}
    }
    const rows = (query: Readonly<Record<string, string>>): ReadonlyArray<Json> => {
      const { value } = json(set, query)
      return Array.isArray(value) ? value.filter(isJson) : []
    }
    const ids = (found: ReadonlyArray<Json>) => found.map((row) => row["@odata.id"])

    const names = [...entity.attributes.keys(), ...entity.references.keys()]
    const all = rows({ $select: names.join(","), $top: "1000" })
    if (all.length === 0) faults.push("it has no rows")
    const count = Number(send("GET", `${set}/$count`).body)
    if (ids(rows({})).length !== count) faults.push("list and $count differ")
    const [first] = all
    if (first !== undefined) json(String(first["@odata.id"]))

    // rows obey the model
    for (const row of entity.abstract ? [] : all) {
      for (const attribute of entity.attributes.values()) {
        const fault = valueFault(model, attribute, row[attribute.name])
        if (fault !== undefined) faults.push(fault)
      }
      for (const { name, required } of entity.references.values()) {
        if (required && row[name] === null) faults.push(`${name} is required and null`)
      }
    }

    for (const attribute of entity.attributes.values()) {
      const row = all.find((candidate) => candidate[attribute.name] !== null)
      if (row !== undefined) {
        for (const $filter of filtersOf(attribute, row[attribute.name])) {
          if (!ids(rows({ $filter, $select: attribute.name })).includes(row["@odata.id"])) {
            faults.push(`${$filter} does not find ${String(row["@odata.id"])}`)
          }
        }
      }
      if (attribute.orderable) {
        const ordered = rows({ $orderby: `${attribute.name} desc`, $select: attribute.name })
        if (ordered.length !== count) faults.push(`ordered by ${attribute.name}, rows are missing`)
      }
    }
    for (const reference of entity.references.values()) {
      walkReference(reference, all, rows, faults)
    }
    for (const { name } of entity.children.values()) rows({ $expand: name, $top: "5" })
    walkWrites(entity, all, faults)
    return { set, faults, tried }
  }

  const walkReference = (
    { filterable, name, owner, target }: Reference,
    all: ReadonlyArray<Json>,
    rows: (query: Readonly<Record<string, string>>) => ReadonlyArray<Json>,
    faults: Array<string>
  ): void => {
    const expanded = rows({ $expand: name, $select: name, $top: "1000" })
    for (const [index, row] of all.entries()) {
      if ((row[name] === null) !== (expanded[index]?.[name] === null)) faults.push(`${name} leads nowhere`)
    }
    const link = all.map((row) => row[name]).find(isJson)?.["@odata.id"]
    if (link === undefined) return
    const ids = rows({ $filter: `${name} eq ${quote(String(link))}`, $select: name })
    if (ids.length === 0) faults.push(`${name} eq ${String(link)} finds nothing`)
    const id = /\((.*)\)/.exec(String(link))?.[1]
    const key = [...(model.entities.get(target)?.keys ?? [])].at(-1)
    if ((filterable || owner) && rows({ $filter: `${name}/${key} eq ${id}`, $select: name }).length === 0) {
      faults.push(`${name}/${key} eq ${id} finds nothing`)
    }
  }

  /** What a client has to give for a new row, after the example of another one. */
  const newRow = (entity: EntityModel, sample: Json): Json => {
    const body: Record<string, unknown> = {}
    for (const { name, readOnly, required } of entity.references.values()) {
      if (required && readOnly !== true) body[name] = sample[name]
    }
    for (const attribute of entity.attributes.values()) {
      const { by, defaultValue, name, readOnly, required, unique } = attribute
      if (entity.keys.has(name) || readOnly || !required) continue
      const [step = ""] = by?.split(".") ?? []
      const own = entity.references.get(step)
      if (own !== undefined && own.readOnly !== true && sample[step] !== null) body[step] = sample[step]
      if (unique) body[name] = "Written99"
      else if (defaultValue === undefined || by !== undefined) body[name] = writable(model, attribute, sample[name])
    }
    return body
  }

  const walkWrites = (entity: EntityModel, all: ReadonlyArray<Json>, faults: Array<string>): void => {
    if (entity.abstract || all.length === 0) return
    let created: DomainReply | undefined
    let body = "{}"
    // a row of a released document cannot be created: another document may be open
    for (const sample of all.slice(0, 20)) {
      body = JSON.stringify(newRow(entity, sample))
      created = send("POST", entity.set, {}, body)
      if (created.status === 201 || !/is (?:released|void) and cannot/.test(created.body)) break
    }
    if (created === undefined) return
    if (entity.view === true) {
      if (created.status !== 500) faults.push(`POST: ${created.status}, although it is read only`)
      return
    }
    if (created.status !== 201) {
      faults.push(`POST: ${created.status} ${created.body.slice(0, 250)} ${body}`)
      return
    }
    const path = String(JSON.parse(created.body)["@odata.id"])
    const change = [...entity.attributes.values()].find(
      (attribute) => !attribute.readOnly && !entity.keys.has(attribute.name) && attribute.kind === "string"
    )
    const changed = change === undefined ? {} : { [change.name]: writable(model, change, undefined) }
    const updated = send("PATCH", path, {}, JSON.stringify(changed))
    if (updated.status !== 204)
      faults.push(`PATCH ${path} ${JSON.stringify(changed)}: ${updated.status} ${updated.body.slice(0, 200)}`)
    const removed = send("DELETE", path)
    if (removed.status !== 204) faults.push(`DELETE ${path}: ${removed.status} ${removed.body.slice(0, 200)}`)
    if (send("GET", path).status !== 404) faults.push(`${path} is still there`)
  }

  return { sets: [...model.entities.keys()], walk }
}

if (process.argv[1] === import.meta.filename) {
  const { sets, walk } = makeWalk()
  const started = performance.now()
  const walked = sets.map(walk)
  const faulty = walked.filter(({ faults }) => faults.length > 0)
  for (const { faults, set } of faulty) console.log(`${set}: ${[...new Set(faults)].slice(0, 3).join("; ")}`)
  const tried = walked.reduce((sum, item) => sum + item.tried, 0)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${walked.length} sets, ${tried} reads, ${faulty.length} sets with faults, ${seconds} s`)
  process.exitCode = faulty.length === 0 ? 0 : 1
}
