/**
 * `$metadata`: the model as an EDMX document.
 */
import type { Context } from "./context.ts"
import { type Attribute, type EntityModel, findAttribute, type Kind } from "./model.ts"

const edmTypes: Readonly<Record<Exclude<Kind, "enum">, string>> = {
  string: "Edm.String",
  int: "Edm.Int32",
  int64: "Edm.Int64",
  boolean: "Edm.Boolean",
  // ERP.net has no Edm.Date: both kinds of dates are DateTimeOffset.
  date: "Edm.DateTimeOffset",
  dateTime: "Edm.DateTimeOffset",
  guid: "Edm.Guid",
  decimal: "Edm.Decimal",
  amount: "Erp.Amount",
  quantity: "Erp.Quantity",
  multilanguage: "Erp.MultilanguageString",
  binary: "Edm.Binary",
  custom: "Erp.Systems_Bpm_CustomPropertyValue"
}

const complexTypes = [
  `<ComplexType Name="Amount"><Property Name="Value" Type="Edm.Decimal"/><Property Name="Currency" Type="Edm.String"/></ComplexType>`,
  `<ComplexType Name="Quantity"><Property Name="Value" Type="Edm.Decimal"/><Property Name="Unit" Type="Edm.String"/></ComplexType>`,
  `<ComplexType Name="MultilanguageString"><Property Name="EN" Type="Edm.String"/><Property Name="BG" Type="Edm.String"/></ComplexType>`,
  `<ComplexType Name="Systems_Bpm_CustomPropertyValue"><Property Name="Value" Type="Edm.String"/><Property Name="ValueId" Type="Edm.Guid"/><Property Name="Description" Type="Erp.MultilanguageString"/></ComplexType>`,
  `<ComplexType Name="OpenObject" OpenType="true"/>`
]

const property = (attribute: Attribute, keys: ReadonlySet<string>): string => {
  const type = attribute.kind === "enum" ? `Erp.${attribute.enumName}` : edmTypes[attribute.kind]
  const length =
    attribute.kind === "string" && attribute.maxLength !== undefined ? ` MaxLength="${attribute.maxLength}"` : ""
  const nullable = keys.has(attribute.name) || attribute.required ? ` Nullable="false"` : ""
  return `<Property Name="${attribute.name}" Type="${type}"${length}${nullable}/>`
}

const own = <A>(all: ReadonlyMap<string, A>, inherited: ReadonlyMap<string, A> | undefined): ReadonlyArray<A> =>
  [...all].filter(([name]) => inherited?.has(name) !== true).map(([, value]) => value)

const entityType = (context: Context, entity: EntityModel): string => {
  const { entities } = context.store.model
  const typeOf = (set: string): string => `Erp.${entities.get(set)?.type ?? "OpenObject"}`
  const base = entity.base === undefined ? undefined : entities.get(entity.base)
  // The public key of a base type is its own id name, such as PartyId.
  const key = [...entity.keys].at(-1) ?? "Id"
  const lines = [
    ...(base === undefined ? [`<Key><PropertyRef Name="${key}"/></Key>`] : []),
    ...own(entity.attributes, base?.attributes)
      .filter((attribute) => findAttribute(entity, attribute.name, context.version) !== undefined)
      .map((attribute) => property(attribute, entity.keys)),
    ...own(entity.references, base?.references).map((reference) => {
      const attributes = `Name="${reference.name}" Type="${typeOf(reference.target)}"${reference.required ? ` Nullable="false"` : ""}`
      return reference.owner
        ? `<NavigationProperty ${attributes}><OnDelete Action="Cascade"/></NavigationProperty>`
        : `<NavigationProperty ${attributes}/>`
    }),
    ...own(entity.children, base?.children).map(
      (children) => `<NavigationProperty Name="${children.name}" Type="Collection(${typeOf(children.target)})"/>`
    ),
    `<Annotation Term="Erp.EntityName" String="${entity.table}"/>`
  ]
  const header =
    `<EntityType Name="${entity.type}"` +
    (base === undefined ? "" : ` BaseType="Erp.${base.type}"`) +
    (entity.abstract ? ` Abstract="true"` : "")
  return `${header}>${lines.join("")}</EntityType>`
}

/**
 * The EDMX document for a server version.
 *
 * @category constructors
 * @since 0.1.0
 */
export const renderMetadata = (context: Context): string => {
  const { entities, enums } = context.store.model
  const schema = [
    ...[...enums].map(
      ([name, members]) =>
        `<EnumType Name="${name}">${[...members]
          .map(([member, value]) => `<Member Name="${member}" Value="${value}"/>`)
          .join("")}</EnumType>`
    ),
    ...complexTypes,
    ...[...entities.values()].map((entity) => entityType(context, entity)),
    `<Function Name="GetVersion"><ReturnType Type="Erp.OpenObject"/></Function>`,
    `<Function Name="GetRenamedEntityTypes"><ReturnType Type="Collection(Erp.OpenObject)"/></Function>`,
    `<EntityContainer Name="Container">`,
    ...[...entities.values()].map(
      (entity) => ` <EntitySet Name="${context.nameOf(entity.set)}" EntityType="Erp.${entity.type}"/>`
    ),
    ` <FunctionImport Name="GetVersion" Function="Erp.GetVersion"/>`,
    ` <FunctionImport Name="GetRenamedEntityTypes" Function="Erp.GetRenamedEntityTypes"/>`,
    `</EntityContainer>`
  ]
  return [
    `<?xml version="1.0" encoding="utf-8"?>`,
    `<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>`,
    `<Schema Namespace="Erp" xmlns="http://docs.oasis-open.org/odata/ns/edm">`,
    ...schema,
    `</Schema></edmx:DataServices></edmx:Edmx>`
  ].join("\n")
}
