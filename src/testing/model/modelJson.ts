/**
 * The model as JSON: what `standardmodel` and `currentmodel` answer, and a model read from such an answer.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { writeString } from "./jsonText.ts"
import { LazyMap } from "./lazyMap.ts"
import type { Attribute, Children, EntityModel, EnumModel, FilterGroup, Kind, Model, Reference } from "./model.ts"

const typeNames: Readonly<Record<Exclude<Kind, "enum">, string>> = {
  string: "String",
  int: "Int32",
  short: "Int16",
  byte: "Byte",
  int64: "Int64",
  double: "Double",
  boolean: "Boolean",
  date: "Date",
  dateTime: "DateTime",
  time: "TimeOfDay",
  guid: "Guid",
  decimal: "Decimal",
  amount: "Amount",
  quantity: "Quantity",
  multilanguage: "MultilanguageString",
  binary: "Binary",
  custom: "CustomPropertyValue"
}

const filterNames: ReadonlyArray<readonly [FilterGroup, string]> = [
  ["E", "Equals"],
  ["G", "GreaterThanOrLessThan"],
  ["L", "Like"],
  ["I", "EqualsIn"]
]

/** JSON that is written here: objects keep the order of their members. */
type Plain = string | number | boolean | null | ReadonlyArray<Plain> | { readonly [name: string]: Plain }

const write = (value: Plain, keepsNulls: boolean): string => {
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value)
  if (typeof value === "string") return writeString(value)
  if (isList(value)) return `[${value.map((item) => write(item, keepsNulls)).join(",")}]`
  const members = Object.entries(value).filter(([, member]) => keepsNulls || member !== null)
  return `{${members.map(([name, member]) => `${writeString(name)}:${write(member, keepsNulls)}`).join(",")}}`
}

const isList = (value: Plain): value is ReadonlyArray<Plain> => Array.isArray(value)

/** `DocumentNo` as a column: `Document_No`. */
const columnName = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, "$1_$2")

const attributeJson = (model: Model, { keys }: EntityModel, attribute: Attribute): Plain => {
  const { calculated, defaultValue, kind, maxLength, name, obsolete, orderable, precision, readOnly, required, scale } =
    attribute
  const members = kind === "enum" ? model.enums.get(attribute.enumName ?? "") : undefined
  const filters = filterNames.flatMap(([group, text]) => (attribute.filters.has(group) ? [text] : []))
  return {
    Name: name,
    ColumnName: calculated ? null : columnName(name),
    Type: kind === "enum" ? (attribute.enumName ?? "") : typeNames[kind],
    IsCustomProperty: kind === "custom",
    IsCalculated: calculated,
    IsObsolete: obsolete === true,
    SupportsSet: !readOnly || keys.has(name),
    ReadOnly: readOnly,
    IsPersistent: !calculated,
    BaseInfo: {
      Nullable: !required,
      Orderable: orderable,
      MaxLength: maxLength ?? null,
      Precision: precision ?? null,
      Scale: scale ?? null,
      DefaultValue: defaultValue ?? null,
      SupportedFilters: filters.length === 0 ? "NotFilterable" : filters.join(", "),
      SelectedByDefault: attribute.byDefault
    },
    enumValues: members === undefined ? null : [...members].map(([member, value]) => ({ Value: value, Name: member }))
  }
}

const referenceJson = (model: Model, reference: Reference, nameOf: (set: string) => string): Plain => ({
  Name: reference.name,
  ReferencedEntitySet: nameOf(reference.target),
  ReferencedType: model.entities.get(reference.target)?.type ?? null,
  IsOwnership: reference.owner,
  IsFilterable: reference.filterable,
  IsObsolete: reference.obsolete === true,
  ReadOnly: reference.readOnly === true,
  BaseInfo: { Nullable: !reference.required, SupportedFilters: "Equals, EqualsIn" }
})

const childrenJson = (model: Model, children: Children, nameOf: (set: string) => string): Plain => ({
  Name: children.name,
  ChildObjectType: model.entities.get(children.target)?.type ?? null,
  ChildEntitySet: nameOf(children.target),
  ChildReference: children.via
})

/** An operation as the model pages name it. */
interface MethodJson {
  readonly name: string
  readonly isAction: boolean
  readonly parameters: ReadonlyArray<readonly [name: string, type: string, optional: boolean]>
}

const everyMethod: ReadonlyArray<MethodJson> = [
  { name: "CreateCopy", isAction: true, parameters: [] },
  {
    name: "CreateNotification",
    isAction: true,
    parameters: [
      ["user", "Systems_Security_Users", false],
      ["notificationClass", "String", false],
      ["subject", "String", false],
      ["priority", "String", false]
    ]
  },
  {
    name: "GetAllowedCustomPropertyValues",
    isAction: false,
    parameters: [
      ["customPropertyCode", "String", false],
      ["search", "String", true],
      ["exactMatch", "Boolean", true],
      ["orderByDescription", "Boolean", true],
      ["top", "Int32", true],
      ["skip", "Int32", true]
    ]
  },
  {
    name: "GetPropertyAllowedValues",
    isAction: false,
    parameters: [
      ["propertyName", "String", false],
      ["search", "String", true],
      ["top", "Int32", true],
      ["skip", "Int32", true]
    ]
  }
]

const documentMethods: ReadonlyArray<MethodJson> = [
  {
    name: "ChangeState",
    isAction: true,
    parameters: [
      ["newState", "General_Documents_DocumentState", false],
      ["userStatus", "Systems_Documents_DocumentTypeUserStatuses", true]
    ]
  },
  { name: "Complete", isAction: true, parameters: [["completion", "String", true]] },
  {
    name: "MakeVoid",
    isAction: true,
    parameters: [
      ["reason", "String", false],
      ["voidType", "String", true],
      ["resetParentState", "Boolean", true]
    ]
  },
  { name: "Recalculate", isAction: true, parameters: [] }
]

const methodJson = ({ isAction, name, parameters }: MethodJson): Plain => ({
  Name: name,
  IsAction: isAction,
  Parameters: parameters.map(([parameter, type, optional]) => ({ Name: parameter, Type: type, IsOptional: optional }))
})

const ownerSet = (entity: EntityModel): string | null =>
  [...entity.references.values()].find((reference) => reference.owner)?.target ?? null

const rootSet = (model: Model, entity: EntityModel, depth = 0): string => {
  const owner = ownerSet(entity)
  const next = owner === null || entity.root || depth > 8 ? undefined : model.entities.get(owner)
  return next === undefined ? entity.set : rootSet(model, next, depth + 1)
}

const named = (set: string | null, nameOf: (set: string) => string): string | null =>
  set === null ? null : nameOf(set)

const repository = (
  model: Model,
  entity: EntityModel,
  nameOf: (set: string) => string
): { readonly [name: string]: Plain } => ({
  Name: nameOf(entity.set),
  TableName: entity.table,
  RepositoryName: nameOf(entity.set).replaceAll("_", "."),
  LocalizedName: columnName(entity.set.split("_").at(-1) ?? entity.set).replaceAll("_", " "),
  LocalizedDescription: null,
  IsAggregateRoot: entity.root,
  AggregateParent: entity.root ? null : named(ownerSet(entity), nameOf),
  AggregateRoot: nameOf(rootSet(model, entity)),
  ObjectType: entity.type,
  BaseEntitySet: named(entity.base ?? null, nameOf),
  IsAbstract: entity.abstract,
  IsReadOnly: entity.view === true,
  Category: entity.view === true ? "View" : entity.root ? "Data" : "Detail",
  UIVisibility: "Visible",
  CodeAttribute: entity.code ?? null,
  SearchMembers: [...entity.search],
  DisplayTextFormat: entity.display
})

/**
 * What the model pages show of the custom members of an instance, which the standard model does not have.
 *
 * @category models
 * @since 0.2.0
 */
export type ModelPage = "standardmodel" | "currentmodel"

const isStandard = ({ kind, name }: Attribute): boolean =>
  kind !== "custom" && !name.startsWith("CalculatedAttribute_") && !name.startsWith("CustomProperty_")

/**
 * One set, in detail or in brief.
 *
 * @category constructors
 * @since 0.2.0
 */
export const entityJson = (
  model: Model,
  entity: EntityModel,
  page: ModelPage,
  details: boolean,
  nameOf: (set: string) => string,
  hasAttribute: (name: string) => boolean
): string => {
  const head = repository(model, entity, nameOf)
  if (!details) return write(head, false)
  const attributes = [...entity.attributes.values()].filter(
    (attribute) => hasAttribute(attribute.name) && (page === "currentmodel" || isStandard(attribute))
  )
  const methods = entity.attributes.has("DocumentNo") && entity.attributes.has("State") ? documentMethods : []
  return write(
    {
      ...head,
      Attributes: attributes.map((attribute) => attributeJson(model, entity, attribute)),
      References: [...entity.references.values()].map((reference) => referenceJson(model, reference, nameOf)),
      ChildCollections: [...entity.children.values()].map((children) => childrenJson(model, children, nameOf)),
      Methods: [...everyMethod, ...methods].map(methodJson)
    },
    true
  )
}

// --- reading ---------------------------------------------------------------------------------------------------------

const maybe = <A, I>(schema: Schema.Schema<A, I>) => Schema.optional(Schema.NullOr(schema))

const BaseInfo = Schema.Struct({
  Nullable: maybe(Schema.Boolean),
  Orderable: maybe(Schema.Boolean),
  MaxLength: maybe(Schema.Number),
  Precision: maybe(Schema.Number),
  Scale: maybe(Schema.Number),
  DefaultValue: maybe(Schema.Unknown),
  SupportedFilters: maybe(Schema.Union(Schema.String, Schema.Array(Schema.String))),
  SelectedByDefault: maybe(Schema.Boolean)
})

const AttributeJson = Schema.Struct({
  Name: Schema.NonEmptyString,
  Type: Schema.String,
  IsCustomProperty: maybe(Schema.Boolean),
  IsCalculated: maybe(Schema.Boolean),
  IsObsolete: maybe(Schema.Boolean),
  ReadOnly: maybe(Schema.Boolean),
  SupportsSet: maybe(Schema.Boolean),
  IsPersistent: maybe(Schema.Boolean),
  BaseInfo: maybe(BaseInfo),
  enumValues: maybe(Schema.Array(Schema.Struct({ Value: Schema.Number, Name: Schema.String })))
})
type AttributeJson = typeof AttributeJson.Type

const RepositoryJson = Schema.Struct({
  Name: Schema.NonEmptyString,
  TableName: maybe(Schema.String),
  ObjectType: maybe(Schema.String),
  BaseEntitySet: maybe(Schema.String),
  IsAggregateRoot: maybe(Schema.Boolean),
  IsAbstract: maybe(Schema.Boolean),
  IsReadOnly: maybe(Schema.Boolean),
  CodeAttribute: maybe(Schema.String),
  SearchMembers: maybe(Schema.Array(Schema.String)),
  DisplayTextFormat: maybe(Schema.String),
  Attributes: Schema.Array(AttributeJson),
  References: maybe(
    Schema.Array(
      Schema.Struct({
        Name: Schema.NonEmptyString,
        ReferencedEntitySet: Schema.String,
        IsOwnership: maybe(Schema.Boolean),
        IsFilterable: maybe(Schema.Boolean),
        IsObsolete: maybe(Schema.Boolean),
        ReadOnly: maybe(Schema.Boolean),
        BaseInfo: maybe(BaseInfo)
      })
    )
  ),
  ChildCollections: maybe(
    Schema.Array(
      Schema.Struct({
        Name: Schema.NonEmptyString,
        ChildEntitySet: Schema.String,
        ChildReference: maybe(Schema.String)
      })
    )
  )
})
type RepositoryJson = typeof RepositoryJson.Type

const isKind = (kind: string): kind is Exclude<Kind, "enum"> => Object.hasOwn(typeNames, kind)

const kindOf = new Map<string, Kind>([
  ...Object.keys(typeNames)
    .filter(isKind)
    .map((kind) => [typeNames[kind].toLowerCase(), kind] as const),
  ["systems_bpm_custompropertyvalue", "custom"],
  ["datetimeoffset", "dateTime"],
  ["time", "time"]
])

const enumNameOf = (type: string): string => type.replace(/^(?:Edm|Erp)\./, "").replace(/\?$/, "")

const filtersOf = (text: string | ReadonlyArray<string> | null | undefined): ReadonlySet<FilterGroup> => {
  const names = new Set(typeof text === "string" ? text.split(",").map((name) => name.trim()) : (text ?? []))
  return new Set(filterNames.flatMap(([group, name]) => (names.has(name) ? [group] : [])))
}

const hiddenNames: ReadonlySet<string> = new Set([
  "ObjectVersion",
  "ExternalId",
  "ExternalSystem",
  "AggregateLastUpdateTimeUtc",
  "AdditionalDataJson"
])

const defaultText = (kind: Kind, value: unknown): string | undefined => {
  if (value === null || value === undefined || value === "") return undefined
  const text = String(value)
  if (kind === "guid") return undefined
  return kind === "boolean" ? text.toLowerCase() : text
}

const attributeOf = (json: AttributeJson, isKey: boolean): Attribute => {
  const info = json.BaseInfo ?? undefined
  const name = enumNameOf(json.Type)
  const kind = json.IsCustomProperty === true ? "custom" : (kindOf.get(name.toLowerCase()) ?? "enum")
  const calculated = json.IsCalculated ?? json.IsPersistent === false
  const defaultValue = defaultText(kind, info?.DefaultValue)
  const isHidden = isKey || calculated || kind === "custom" || hiddenNames.has(json.Name)
  const [maxLength, precision, scale] = [info?.MaxLength, info?.Precision, info?.Scale]
  return {
    name: json.Name,
    kind,
    ...(kind === "enum" ? { enumName: name } : {}),
    ...(typeof maxLength === "number" && maxLength > 0 ? { maxLength } : {}),
    ...(typeof precision === "number" ? { precision } : {}),
    ...(typeof scale === "number" ? { scale } : {}),
    ...(defaultValue === undefined ? {} : { defaultValue }),
    required: info?.Nullable === false,
    readOnly: json.ReadOnly === true || calculated,
    calculated,
    byDefault: info?.SelectedByDefault ?? !isHidden,
    filters: filtersOf(info?.SupportedFilters),
    orderable: info?.Orderable === true,
    ...(json.IsObsolete === true ? { obsolete: true } : {}),
    unique: false
  }
}

/** The key of a set: `Id`, and what its base calls it. */
const keyNames = (json: RepositoryJson): ReadonlyArray<string> => {
  const guids = json.Attributes.filter(({ Type }) => enumNameOf(Type) === "Guid").map(({ Name }) => Name)
  const known = guids.filter((name) => ["Id", "PartyId", "DocumentId", "IngredientId", "ViewItemId"].includes(name))
  return known.length > 0 ? known : ["Id"]
}

const keyAttribute: Attribute = {
  name: "Id",
  kind: "guid",
  required: true,
  readOnly: true,
  calculated: false,
  byDefault: false,
  filters: new Set(["E", "G", "I"]),
  orderable: false,
  unique: false
}

const byName = <A extends { readonly name: string }>(items: ReadonlyArray<A>): ReadonlyMap<string, A> =>
  new Map(items.map((item) => [item.name, item]))

const basesOf = (sets: ReadonlyMap<string, RepositoryJson>, json: RepositoryJson): ReadonlyArray<string> => {
  const bases: Array<string> = []
  let base = json.BaseEntitySet ?? undefined
  while (base !== undefined && sets.has(base) && !bases.includes(base)) {
    bases.push(base)
    base = sets.get(base)?.BaseEntitySet ?? undefined
  }
  return bases
}

const entityFrom = (sets: ReadonlyMap<string, RepositoryJson>, json: RepositoryJson): EntityModel => {
  const keys = new Set(keyNames(json))
  const attributes = json.Attributes.map((attribute) => attributeOf(attribute, keys.has(attribute.Name)))
  const references = (json.References ?? []).filter(({ ReferencedEntitySet }) => sets.has(ReferencedEntitySet))
  const children = (json.ChildCollections ?? []).flatMap((item) => {
    const target = sets.get(item.ChildEntitySet)
    const own = new Set([json.Name, ...basesOf(sets, json)])
    const via =
      item.ChildReference ??
      target?.References?.find((reference) => reference.IsOwnership === true && own.has(reference.ReferencedEntitySet))
        ?.Name
    return target === undefined || via === undefined ? [] : [{ name: item.Name, target: item.ChildEntitySet, via }]
  })
  const derived = [...sets.values()].filter((other) => basesOf(sets, other).includes(json.Name))
  const isAbstract = json.IsAbstract === true
  return {
    set: json.Name,
    type: json.ObjectType ?? json.Name.replace(/s$/, ""),
    table: json.TableName ?? json.Name,
    base: basesOf(sets, json)[0],
    bases: basesOf(sets, json),
    abstract: isAbstract,
    root: json.IsAggregateRoot === true,
    ...(json.IsReadOnly === true ? { view: true } : {}),
    keys,
    code: json.CodeAttribute ?? undefined,
    search: json.SearchMembers ?? [],
    display: json.DisplayTextFormat ?? "",
    attributes: new Map([...(keys.has("Id") ? [["Id", keyAttribute] as const] : []), ...byName(attributes)]),
    references: byName(
      references.map((reference) => ({
        name: reference.Name,
        target: reference.ReferencedEntitySet,
        required: reference.BaseInfo?.Nullable === false,
        filterable: reference.IsFilterable === true,
        owner: reference.IsOwnership === true,
        ...(reference.ReadOnly === true ? { readOnly: true } : {}),
        ...(reference.IsObsolete === true ? { obsolete: true } : {})
      }))
    ),
    children: byName(children),
    storedIn: [
      ...(isAbstract ? [] : [json.Name]),
      ...derived.filter((other) => other.IsAbstract !== true).map((other) => other.Name)
    ]
  }
}

const enumsOf = (sets: Iterable<RepositoryJson>): ReadonlyMap<string, EnumModel> => {
  const enums = new Map<string, EnumModel>()
  for (const { Attributes } of sets) {
    for (const { enumValues, Type } of Attributes) {
      if (enumValues === null || enumValues === undefined) continue
      enums.set(enumNameOf(Type), new Map(enumValues.map(({ Name, Value }) => [Name, Value])))
    }
  }
  return enums
}

const decode = Schema.decodeUnknownEither(Schema.Array(RepositoryJson))

/**
 * Reads the answer of `currentmodel?details=true`; a text says what is wrong with it.
 *
 * @category constructors
 * @since 0.2.0
 */
export const readModelJson = (json: unknown): Either.Either<Model, string> =>
  Either.flatMap(Either.mapLeft(decode(json), ParseResult.TreeFormatter.formatErrorSync), (items) => {
    const sets = new Map(items.map((item) => [item.Name, item]))
    if (sets.size !== items.length) return Either.left("two entity sets have one name")
    if (sets.size === 0) return Either.left("there is no entity set in it")
    const enums = enumsOf(items)
    for (const { Attributes, Name } of items) {
      const unknown = Attributes.find(
        ({ IsCustomProperty, Type }) =>
          IsCustomProperty !== true && !kindOf.has(enumNameOf(Type).toLowerCase()) && !enums.has(enumNameOf(Type))
      )
      if (unknown !== undefined) {
        return Either.left(`${Name}.${unknown.Name} has the type ${unknown.Type}, which has no enumValues`)
      }
    }
    const entities = new LazyMap<EntityModel>(sets.keys(), (set) => {
      const found = sets.get(set)
      if (found === undefined) throw new Error(`The model has no entity set ${set}`)
      return entityFrom(sets, found)
    })
    const types = new Map(items.map((item) => [item.ObjectType ?? item.Name.replace(/s$/, ""), item.Name]))
    const byType = new LazyMap<EntityModel>(types.keys(), (type) => {
      const found = entities.get(types.get(type) ?? "")
      if (found === undefined) throw new Error(`The model has no entity type ${type}`)
      return found
    })
    return Either.right({ entities, byType, enums })
  })
