/**
 * `$metadata`: the model as an EDMX document.
 */
import type { Context } from "../data/context.ts"
import { type Attribute, type EntityModel, findAttribute, isA, type Kind } from "../model/model.ts"

const edmTypes: Readonly<Record<Exclude<Kind, "enum">, string>> = {
  string: "Edm.String",
  int: "Edm.Int32",
  short: "Edm.Int16",
  byte: "Edm.Byte",
  double: "Edm.Double",
  time: "Edm.TimeOfDay",
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
  `<ComplexType Name="ValueTextPair"><Property Name="Value" Type="Edm.String"/><Property Name="Text" Type="Edm.String"/></ComplexType>`,
  `<ComplexType Name="OpenObject" OpenType="true"/>`
]

const parameter = (name: string, type: string): string => `<Parameter Name="${name}" Type="${type}"/>`

/** A parameter that may be left out; without a value its default is null. */
const optional = (name: string, type: string, value?: string): string => {
  const record =
    value === undefined ? "" : `<Record><PropertyValue Property="DefaultValue" String="${value}"/></Record>`
  return `<Parameter Name="${name}" Type="${type}"><Annotation Term="Org.OData.Core.V1.OptionalParameter">${record}</Annotation></Parameter>`
}

const operation = (
  kind: "Action" | "Function",
  name: string,
  parameters: ReadonlyArray<string>,
  result: string | undefined,
  isBound = true
): string =>
  `<${kind} Name="${name}"${isBound ? ` IsBound="true"` : ""}>${parameters.join("")}${
    result === undefined ? "" : `<ReturnType Type="${result}"/>`
  }</${kind}>`

/** Bound operations are repeated for every entity type. */
const boundOperations = (entity: EntityModel): ReadonlyArray<string> => {
  const self = parameter("entity", `Erp.${entity.type}`)
  const page = [optional("top", "Edm.Int32", "10"), optional("skip", "Edm.Int32", "0")]
  const every = [
    operation("Action", "CreateCopy", [self], "Edm.EntityType"),
    operation(
      "Action",
      "CreateNotification",
      [
        self,
        parameter("user", "Erp.Systems_Security_User"),
        ...["notificationClass", "subject"].map((name) => parameter(name, "Edm.String")),
        parameter("priority", "Edm.String")
      ],
      undefined
    ),
    operation(
      "Function",
      "GetAllowedCustomPropertyValues",
      [
        self,
        parameter("customPropertyCode", "Edm.String"),
        optional("search", "Edm.String"),
        optional("exactMatch", "Edm.Boolean", "false"),
        optional("orderByDescription", "Edm.Boolean", "false"),
        ...page
      ],
      "Collection(Erp.Systems_Bpm_CustomPropertyValue)"
    ),
    operation(
      "Function",
      "GetPropertyAllowedValues",
      [self, parameter("propertyName", "Edm.String"), optional("search", "Edm.String"), ...page],
      "Collection(Erp.ValueTextPair)"
    )
  ]
  if (!isA(entity, "General_Documents_Documents")) return every
  return [
    ...every,
    operation(
      "Action",
      "ChangeState",
      [self, parameter("newState", "Erp.General_Documents_DocumentState"), optional("userStatus", "Edm.EntityType")],
      undefined
    ),
    operation("Action", "Complete", [self, optional("completion", "Edm.String")], undefined),
    operation(
      "Action",
      "MakeVoid",
      [
        self,
        parameter("reason", "Edm.String"),
        optional("voidType", "Edm.String"),
        optional("resetParentState", "Edm.Boolean", "false")
      ],
      undefined
    ),
    operation("Action", "Recalculate", [self], undefined)
  ]
}

const unbound: ReadonlyArray<
  readonly [kind: "Action" | "Function", name: string, parameters: ReadonlyArray<string>, result: string | undefined]
> = [
  ["Function", "GetVersion", [], "Erp.OpenObject"],
  ["Function", "GetRenamedEntityTypes", [], "Collection(Erp.OpenObject)"],
  ["Function", "GetChanges", [], "Erp.OpenObject"],
  ["Function", "WaitForChanges", [], "Erp.OpenObject"],
  [
    "Action",
    "BeginTransaction",
    [optional("model", "Edm.String", "common"), optional("trackChanges", "Edm.Boolean", "false")],
    "Edm.String"
  ],
  ["Action", "EndTransaction", [optional("commit", "Edm.Boolean", "true")], undefined],
  [
    "Action",
    "Import",
    [
      optional("model", "Edm.String", "frontend"),
      optional("transaction", "Edm.String", "per-object"),
      optional("loggingLevel", "Edm.Int32", "2"),
      parameter("objects", "Collection(Erp.OpenObject)")
    ],
    "Erp.OpenObject"
  ]
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
    ...[...entities.values()].flatMap(boundOperations),
    ...unbound.map(([kind, name, parameters, result]) => operation(kind, name, parameters, result, false)),
    `<EntityContainer Name="Container">`,
    ...[...entities.values()].map(
      (entity) => ` <EntitySet Name="${context.nameOf(entity.set)}" EntityType="Erp.${entity.type}"/>`
    ),
    ...unbound.map(([kind, name]) => ` <${kind}Import Name="${name}" ${kind}="Erp.${name}"/>`),
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
