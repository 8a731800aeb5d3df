/**
 * What the server fills in: defaults and numbers of new rows, names of parties, and what the front end calculates.
 */
import type { Writing } from "../data/context.ts"
import { type Row, stored, type Value, type Values } from "../data/store.ts"
import { isComplex, partOf, referenced } from "../data/values.ts"
import { divideDecimals, multiplyDecimals, roundDecimal, subtractDecimals } from "../model/decimal.ts"
import { type Attribute, type EntityModel, entityOf, isA } from "../model/model.ts"
import { findMeasure, measureCode, measured, measureRow } from "./convert.ts"

const day = 86_400_000

const defaultValue = (attribute: Attribute, text: string, now: number): Value => {
  if (text === "today") return Math.floor(now / day) * day
  if (text === "now") return now
  switch (attribute.kind) {
    case "boolean":
      return text === "true"
    case "int":
    case "short":
    case "byte":
    case "double":
      return Number(text)
    case "decimal":
      return roundDecimal(text, attribute.scale ?? 0)
    // the currency or unit is not known yet
    case "amount":
    case "quantity":
      return null
    case "multilanguage":
      return { EN: text }
    default:
      return text
  }
}

const creationTimes: ReadonlySet<string> = new Set(["CreationTime", "PartyCreationTime"])
const creationUsers: ReadonlySet<string> = new Set(["CreationUser", "PartyCreationUser"])

/** What only some types have, and the model cannot say. */
const fixedValues = (entity: EntityModel): Values => {
  if (isA(entity, "General_Documents_Documents")) return { EntityName: entity.table, IsValidField: true }
  if (isA(entity, "General_Contacts_Parties")) return { PartyType: entity.type.replace("General_Contacts_", "") }
  return {}
}

/**
 * The values of a new row before anything of the request is applied.
 *
 * @category constructors
 * @since 0.1.0
 */
export const initialValues = (context: Writing, entity: EntityModel): Values => {
  const values: Record<string, Value> = {}
  for (const attribute of entity.attributes.values()) {
    const { defaultValue: text, kind, name, required } = attribute
    if (attribute.calculated || entity.keys.has(name)) continue
    if (creationTimes.has(name)) values[name] = context.now
    else if (creationUsers.has(name)) values[name] = context.user
    else if (text !== undefined) values[name] = defaultValue(attribute, text, context.now)
    else if (kind === "boolean" && required) values[name] = false
  }
  return { ...values, ...fixedValues(entity) }
}

/**
 * The row as it is now.
 *
 * @category combinators
 * @since 0.1.0
 */
export const current = (context: Writing, row: Row): Row =>
  context.store.find(entityOf(context.store.model, row.set), row.id) ?? row

const follow = (context: Writing, row: Row, ...path: ReadonlyArray<string>): Row | undefined =>
  path.reduce<Row | undefined>(
    (at, name) =>
      at === undefined ? undefined : referenced(context.store, entityOf(context.store.model, at.set), at, name),
    current(context, row)
  )

const set = (context: Writing, row: Row, values: Values): void => {
  context.store.update(row.set, row.id, values)
}

/** Sets what is still null; a value is only worked out when it is needed. */
const fill = (context: Writing, row: Row, makers: Readonly<Record<string, () => Value | undefined>>): void => {
  for (const [name, make] of Object.entries(makers)) {
    if (stored(current(context, row), name) === null) set(context, row, { [name]: make() ?? null })
  }
}

/**
 * Whether a member numbers itself when it is left out of a new row.
 *
 * @category guards
 * @since 0.2.0
 */
export const numbersItself = (entity: EntityModel, name: string): boolean =>
  (name === "Number" && entity.set === "Crm_Sales_Customers") ||
  (name === "DocumentNo" && isA(entity, "General_Documents_Documents")) ||
  (name === "PartyCode" && isA(entity, "General_Contacts_Parties"))

/** The highest number in use plus one, with leading zeros: ERP.net numbers customers this way. */
const nextNumber = (context: Writing, entity: EntityModel, name: string, prefix: string, digits: number): string =>
  prefix + String(context.store.highest(entity, name, prefix) + 1).padStart(digits, "0")

const decimalOf = (row: Row, name: string): string | undefined => {
  const value = stored(row, name)
  const part = isComplex(value) ? partOf(value, "Value") : value
  return typeof part === "string" ? part : undefined
}

// --- sales order lines -----------------------------------------------------------------------------------------------

/** The quantity in the product's own unit. */
const quantityBase = (context: Writing, line: Row): Value => {
  const row = current(context, line)
  const value = decimalOf(row, "Quantity")
  const from = follow(context, row, "QuantityUnit")
  const to = follow(context, row, "Product", "MeasurementUnit")
  if (value === undefined || from === undefined || to === undefined) return null
  const factor = (unit: Row, name: string): string => decimalOf(unit, name) ?? "1"
  const top = multiplyDecimals(multiplyDecimals(value, factor(from, "Multiplier")), factor(to, "Divisor"))
  const bottom = multiplyDecimals(factor(from, "Divisor"), factor(to, "Multiplier"))
  return measured("quantity", divideDecimals(top, bottom, 3), measureCode("quantity", to))
}

/** Quantity times price, less the discounts. */
const lineAmount = (context: Writing, line: Row): Value => {
  const row = current(context, line)
  const quantity = decimalOf(row, "Quantity")
  const price = decimalOf(row, "UnitPrice")
  const currency = partOf(stored(row, "UnitPrice"), "Currency")
  if (quantity === undefined || price === undefined || typeof currency !== "string") return null
  const rest = ["LineCustomDiscountPercent", "LineStandardDiscountPercent"].map((name) =>
    subtractDecimals("1", decimalOf(row, name) ?? "0")
  )
  return measured("amount", roundDecimal([quantity, price, ...rest].reduce(multiplyDecimals), 2), currency)
}

/** The first active price of the product in the currency of the order, for one unit. */
const listPrice = (context: Writing, line: Row): Value => {
  const product = follow(context, line, "Product")
  const currency = follow(context, line, "SalesOrder", "DocumentCurrency")
  if (product === undefined || currency === undefined) return null
  const prices = context.store.where(entityOf(context.store.model, "Crm_Pricing_ProductPrices"), "Product", product.id)
  const price = prices.find((row) => stored(row, "IsActive") === true && stored(row, "Currency") === currency.id)
  const value = price && decimalOf(price, "Price")
  if (price === undefined || value === undefined) return null
  return measured(
    "amount",
    divideDecimals(value, decimalOf(price, "PriceQuantity") ?? "1", 5),
    measureCode("amount", currency)
  )
}

const nextLineNo = (context: Writing, line: Row): number | undefined => {
  const order = stored(current(context, line), "SalesOrder")
  if (typeof order !== "string") return undefined
  const lines = context.store.where(entityOf(context.store.model, line.set), "SalesOrder", order)
  return lines.reduce((highest, row) => Math.max(highest, Number(stored(row, "LineNo") ?? 0)), 0) + 10
}

const calculateLine = (context: Writing, line: Row): void => {
  const base = quantityBase(context, line)
  if (base !== null) set(context, line, { QuantityBase: base, StandardQuantityBase: base })
  const amount = lineAmount(context, line)
  if (amount !== null) set(context, line, { LineAmount: amount })
}

// --- parties ---------------------------------------------------------------------------------------------------------

const joinNames = (row: Row, names: ReadonlyArray<string>): Value => {
  const parts = names.map((name) => stored(row, name)).filter(isComplex)
  const languages = new Set(parts.flatMap((part) => Object.keys(part)))
  if (languages.size === 0) return null
  const texts: Record<string, string> = {}
  for (const language of languages) {
    texts[language] = parts.flatMap((part) => (typeof part[language] === "string" ? [part[language]] : [])).join(" ")
  }
  return texts
}

const partyNames: Readonly<Record<string, ReadonlyArray<string>>> = {
  General_Contacts_Companies: ["Name"],
  General_Contacts_Persons: ["FirstName", "MiddleName", "LastName"],
  General_Contacts_CompanyLocations: ["LocationName"]
}

const uniqueNumbers: Readonly<Record<string, string>> = {
  General_Contacts_Companies: "RegistrationNumber",
  General_Contacts_Persons: "NationalNumber"
}

/**
 * Works out what follows from other values of the row in every model: the name of a party is made of its parts.
 *
 * @category combinators
 * @since 0.1.0
 */
export const derive = (context: Writing, row: Row): void => {
  const names = partyNames[row.set]
  if (names === undefined) return
  const now = current(context, row)
  const number = uniqueNumbers[row.set]
  // assumed: a party without any name is called by its code
  set(context, row, { PartyName: joinNames(now, names) ?? { EN: String(stored(now, "PartyCode") ?? "") } })
  if (number !== undefined) set(context, row, { PartyUniqueNumber: stored(now, number) })
}

// --- new rows --------------------------------------------------------------------------------------------------------

const completeDocument = (context: Writing, row: Row): void => {
  const { model } = context.store
  const company = (): Row | undefined => follow(context, row, "EnterpriseCompany", "Company")
  fill(context, row, {
    DocumentNo: () => nextNumber(context, entityOf(model, "General_Documents_Documents"), "DocumentNo", "", 10),
    MasterDocument: () => row.id,
    FromParty: () => company()?.id,
    EnterpriseCompanyLocation: () => {
      const locations = entityOf(model, "General_Contacts_CompanyLocations")
      const own = context.store.where(locations, "Company", company()?.id ?? "")
      // assumed: a company without a location of its own uses another one
      return (own[0] ?? context.store.sorted(locations)[0])?.id
    },
    ToParty: () => stored(follow(context, row, "Customer") ?? row, "Party")
  })
}

const completeProduct = (context: Writing, row: Row): void => {
  const { model } = context.store
  const currency = (): string => {
    const costing = follow(context, row, "CostingCurrency") ?? follow(context, row, "EnterpriseCompany", "BaseCurrency")
    const [company] = context.store.sorted(entityOf(model, "General_EnterpriseCompanies"))
    const base = costing ?? (company && follow(context, company, "BaseCurrency"))
    return base === undefined ? "" : measureCode("amount", base)
  }
  const group = (): Row | undefined => follow(context, row, "ProductGroup")
  const types = entityOf(model, "General_Products_ProductTypes")
  fill(context, row, {
    MeasurementUnit: () => stored(group() ?? row, "DefaultMeasurementUnit"),
    ProductType: () =>
      stored(group() ?? row, "DefaultProductType") ??
      context.store.sorted(types).find((type) => stored(type, "IsDefault") === true)?.id,
    BaseMeasurementCategory: () => follow(context, row, "MeasurementUnit", "MeasurementCategory")?.id,
    StandardCostPerLot: () => measured("amount", "0.0000", currency()),
    StandardPricePerLot: () => measured("amount", "0.0000", currency()),
    StandardLotSizeBase: () => {
      const unit = follow(context, row, "MeasurementUnit")
      return unit && measured("quantity", "1.000", measureCode("quantity", unit))
    }
  })
  fill(context, row, {
    CostingCurrency: () => findMeasure(context.store, "amount", currency())?.id
  })
}

const completeLine = (context: Writing, row: Row): void =>
  fill(context, row, {
    Document: () => stored(current(context, row), "SalesOrder"),
    LineNo: () => nextLineNo(context, row),
    QuantityUnit: () => stored(follow(context, row, "Product") ?? row, "MeasurementUnit"),
    QuantityBase: () => quantityBase(context, row),
    StandardQuantityBase: () => quantityBase(context, row),
    ProductDescription: () => stored(follow(context, row, "Product") ?? row, "Name"),
    LineAmount: () => lineAmount(context, row)
  })

const completeGroup = (context: Writing, row: Row): void =>
  fill(context, row, {
    FullPath: () => {
      const parent = follow(context, row, "ParentGroup")
      const path = parent === undefined ? "/" : String(stored(parent, "FullPath"))
      return `${path}${String(stored(current(context, row), "Code") ?? "")}/`
    }
  })

const completePrice = (context: Writing, row: Row): void => {
  fill(context, row, {
    PriceQuantityMeasurementUnit: () => stored(follow(context, row, "Product") ?? row, "MeasurementUnit")
  })
  fill(context, row, {
    PriceQuantity: () => {
      const unit = follow(context, row, "PriceQuantityMeasurementUnit")
      return unit && measured("quantity", "1.000", measureCode("quantity", unit))
    }
  })
}

/**
 * Fills in what the request left out of a new row and the model does not default: numbers, and what follows from
 * references.
 *
 * @category combinators
 * @since 0.1.0
 */
export const complete = (context: Writing, row: Row): void => {
  const { model } = context.store
  const entity = entityOf(model, row.set)
  switch (row.set) {
    case "Crm_Sales_Customers":
      // an empty number counts as none
      if (stored(current(context, row), "Number") === "") set(context, row, { Number: null })
      fill(context, row, { Number: () => nextNumber(context, entity, "Number", "", 6) })
      break
    case "General_Products_Products":
      completeProduct(context, row)
      break
    case "General_Products_ProductGroups":
      completeGroup(context, row)
      break
    case "Crm_Sales_SalesOrderLines":
      completeLine(context, row)
      break
    case "Crm_Pricing_ProductPrices":
      completePrice(context, row)
      break
  }
  if (isA(entity, "General_Documents_Documents")) {
    if (stored(current(context, row), "DocumentNo") === "") set(context, row, { DocumentNo: null })
    completeDocument(context, row)
  }
  if (isA(entity, "General_Contacts_Parties")) {
    fill(context, row, {
      PartyCode: () => nextNumber(context, entityOf(model, "General_Contacts_Parties"), "PartyCode", "P", 6)
    })
  }
  completeRequired(context, row, entity)
  derive(context, row)
}

/** Where an amount or quantity is required: none of it, in what the row refers to. */
const nothingOf = (context: Writing, row: Row, attribute: Attribute, kind: "amount" | "quantity"): Value => {
  const { store } = context
  const measure = measureRow(store, current(context, row), attribute)
  const sets = { amount: "General_Currencies_Currencies", quantity: "General_Products_MeasurementUnits" }
  const chosen = measure ?? store.sorted(entityOf(store.model, sets[kind]))[0]
  return chosen === undefined
    ? null
    : measured(kind, roundDecimal("0", attribute.scale ?? 2), measureCode(kind, chosen))
}

/** What a client cannot give, and what has a default only once the references are known. */
const completeRequired = (context: Writing, row: Row, entity: EntityModel): void => {
  for (const attribute of entity.attributes.values()) {
    const { calculated, defaultValue, kind, name, readOnly, required } = attribute
    if (calculated || entity.keys.has(name) || stored(current(context, row), name) !== null) continue
    if ((kind === "amount" || kind === "quantity") && required && (readOnly || defaultValue !== undefined)) {
      set(context, row, { [name]: nothingOf(context, row, attribute, kind) })
    } else if (required && readOnly) set(context, row, { [name]: emptyValue(context, attribute) })
  }
}

const emptyValue = (context: Writing, { enumName, kind, name }: Attribute): Value => {
  switch (kind) {
    case "boolean":
      return false
    case "int":
    case "short":
    case "byte":
    case "double":
      return 0
    case "int64":
    case "decimal":
      return "0"
    case "date":
    case "dateTime":
      return Math.floor(context.now / day) * day
    case "time":
      return "00:00:00"
    case "guid":
      return context.random.guid()
    case "multilanguage":
      return { EN: name }
    case "enum":
      return [...(context.store.model.enums.get(enumName ?? "")?.keys() ?? [])][0] ?? null
    case "string":
      return "-"
    default:
      return null
  }
}

// --- the front end ---------------------------------------------------------------------------------------------------

const customerDefaults: Readonly<Record<string, string>> = {
  DistributionChannel: "DefaultDistributionChannel",
  DocumentCurrency: "DefaultCurrency",
  PaymentType: "DefaultPaymentType",
  PriceList: "DefaultPriceList",
  SalesPerson: "SalesPerson",
  ToParty: "Party"
}

/**
 * Does what the front end does when a value is entered. It replaces what was there before, so the order of the
 * members in a request matters:
 *
 * - the customer of a sales order brings its currency, payment type, price list, sales person, channel and party;
 * - the product of a line brings its description, unit and list price;
 * - quantity, unit, price and discount of a line bring its base quantity and its amount.
 *
 * @category combinators
 * @since 0.1.0
 */
export const entered = (context: Writing, row: Row, name: string): void => {
  if (row.set === "Crm_Sales_SalesOrders" && name === "Customer") {
    const customer = follow(context, row, "Customer")
    for (const [own, theirs] of customer === undefined ? [] : Object.entries(customerDefaults)) {
      const value = customer === undefined ? null : stored(customer, theirs)
      if (value !== null) set(context, row, { [own]: value })
    }
  }
  if (row.set !== "Crm_Sales_SalesOrderLines") return
  if (name === "Product") {
    const product = follow(context, row, "Product")
    if (product !== undefined) {
      const unit = stored(product, "MeasurementUnit")
      set(context, row, { ProductDescription: stored(product, "Name"), QuantityUnit: unit })
      const price = listPrice(context, row)
      if (price !== null) set(context, row, { UnitPrice: price })
    }
  }
  if (["Product", "Quantity", "QuantityUnit", "UnitPrice", "LineCustomDiscountPercent"].includes(name)) {
    calculateLine(context, row)
  }
}

/**
 * Calculates the amounts of a document again.
 *
 * @category combinators
 * @since 0.1.0
 */
export const recalculate = (context: Writing, document: Row): void => {
  const lines = entityOf(context.store.model, "Crm_Sales_SalesOrderLines")
  for (const line of context.store.where(lines, "SalesOrder", document.id)) calculateLine(context, line)
}
