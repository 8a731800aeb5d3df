/**
 * The generated data: a small trading company with its customers, products and sales orders. All of it is invented.
 */
import { fromUnits } from "../model/decimal.ts"
import { entityOf } from "../model/model.ts"
import { day, firstDay, lastDay } from "./period.ts"
import { makeRandom, type Random } from "./random.ts"
import { type Complex, lazyRow, type Store, stored, type Values } from "./store.ts"
import * as Words from "./words.ts"

/**
 * How much data to make.
 *
 * @category options
 * @since 0.1.0
 */
export interface SeedOptions {
  readonly seed: number
  readonly customers: number
  readonly products: number
  readonly salesOrders: number
}

const amount = (units: number | bigint, scale: number, currency: string): Complex => ({
  Value: fromUnits(BigInt(units), scale),
  Currency: currency
})

const quantity = (value: number, unit: string): Complex => ({ Value: fromUnits(BigInt(value) * 1000n, 3), Unit: unit })

const text = (en: string, bg: string): Complex => ({ EN: en, BG: bg })

const both = ([en, bg]: Words.Pair): Complex => text(en, bg)

const anyDay = (random: Random): number => firstDay + random.below((lastDay - firstDay) / day) * day

const anyTime = (random: Random): number => anyDay(random) + random.below(day / 1000) * 1000

/** When a tree was last changed: to the millisecond, and unknown for some. */
const lastUpdate = (random: Random, version: number): number | null =>
  version % 13 === 0 ? null : anyTime(random) + random.below(1000)

/** Members of every aggregate root. */
const root = (random: Random, version: number): Values => ({
  ObjectVersion: version,
  AggregateLastUpdateTimeUtc: lastUpdate(random, version)
})

/** Ids that share their last group, as SQL Server's sequential guids do: only the first group tells them apart. */
const sequentialGuid = (index: number): string =>
  `${(Math.imul(index + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")}-7e4d-e111-a06c-00155d00050a`

type List = readonly [string, ...Array<string>]

const nonEmpty = (ids: ReadonlyArray<string>): List | undefined => {
  const [first, ...rest] = ids
  return first === undefined ? undefined : [first, ...rest]
}

/** Rows of a set of codes and names. */
const fillCodes = (
  store: Store,
  random: Random,
  set: string,
  items: ReadonlyArray<readonly [code: string, en: string, bg: string]>,
  more: (index: number) => Values = () => ({}),
  names: readonly [code: string, name: string] = ["Code", "Name"]
): ReadonlyArray<string> =>
  items.map(([code, en, bg], index) => {
    const id = random.guid()
    store.insert({
      id,
      set,
      values: { ...root(random, index + 1), [names[0]]: code, [names[1]]: text(en, bg), ...more(index) }
    })
    return id
  })

interface Basics {
  readonly euro: string
  readonly currencies: List
  readonly company: string
  readonly location: string
  readonly fromParty: string
  readonly documentType: string
  readonly countries: List
  readonly salesPersons: List
  readonly customerTypes: List
  readonly channels: List
  readonly paymentTypes: List
  readonly priceLists: List
  readonly units: ReadonlyArray<readonly [id: string, code: string]>
  readonly unitCategories: ReadonlyArray<string>
}

// Rows that there may be 100,000 of are made when first read. Their values are one literal: a spread object of that
// size would be a slow dictionary.

const personName = (
  random: Random
): { readonly first: Words.Pair; readonly last: Words.Pair; readonly female: boolean } => {
  const female = random.chance(0.5)
  return {
    female,
    first: random.pick(female ? Words.femaleNames : Words.maleNames),
    last: random.pick(female ? Words.femaleFamilies : Words.maleFamilies)
  }
}

const person =
  (seed: number, index: number, code: string): (() => Values) =>
  () => {
    const random = makeRandom(seed, `person ${code}`)
    const { female, first, last } = personName(random)
    const created = anyTime(random)
    return {
      ObjectVersion: index + 1,
      AggregateLastUpdateTimeUtc: lastUpdate(random, index + 1),
      PartyCode: code,
      PartyName: text(`${first[0]} ${last[0]}`, `${first[1]} ${last[1]}`),
      PartyType: "Person",
      IsActive: true,
      PartyCreationTime: created,
      PartyCreationUser: "admin",
      CreationTime: created,
      CreationUser: random.pick(Words.logins),
      UpdateTime: created + random.below(60) * day,
      UpdateUser: random.pick(Words.logins),
      FirstName: both(first),
      LastName: both(last),
      Gender: random.chance(0.1) ? null : female ? "Female" : "Male",
      BirthDate: random.chance(0.6) ? Date.UTC(1950 + random.below(55), random.below(12), 1 + random.below(28)) : null
    }
  }

const company =
  (seed: number, index: number, code: string, countries: List): (() => Values) =>
  () => {
    const random = makeRandom(seed, `company ${code}`)
    const [en, bg] = random.pick(Words.companyNames)
    const [branchEn, branchBg] = random.pick(Words.branches)
    const [formEn, formBg] = random.pick(Words.companyForms)
    const name = text(`${en} ${branchEn} ${formEn}`, `${bg} ${branchBg} ${formBg}`)
    // Invented, without a check digit (assumed: nobody has a number that begins with 99).
    const registration = `99${String(1_000_000 + random.below(9_000_000)).slice(0, 7)}`
    const registered = random.chance(0.8)
    const city = random.pick(Words.cities)
    const street = random.pick(Words.streets)
    const house = 1 + random.below(120)
    const created = anyTime(random)
    return {
      ObjectVersion: index + 1,
      AggregateLastUpdateTimeUtc: lastUpdate(random, index + 1),
      PartyCode: code,
      PartyName: name,
      PartyType: "Company",
      IsActive: true,
      PartyCreationTime: created,
      PartyCreationUser: "admin",
      CreationTime: created,
      CreationUser: random.pick(Words.logins),
      UpdateTime: created + random.below(60) * day,
      UpdateUser: random.pick(Words.logins),
      Name: name,
      PartyUniqueNumber: registration,
      RegistrationNumber: registration,
      RegistrationVATNumber: registered ? `BG${registration}` : null,
      RegistrationPrimaryAddress: text(`${house} ${street[0]}, ${city[0]}`, `${street[1]} ${house}, ${city[1]}`),
      City: both(city),
      BranchNumber: 0,
      IsVATRegistered: registered,
      IsVATCashReportingRegistered: false,
      Country: countries[0]
    }
  }

const fillBasics = (store: Store, seed: number): Basics => {
  const random = makeRandom(seed, "basics")
  const codes = (
    set: string,
    items: ReadonlyArray<readonly [string, string, string]>,
    more?: (index: number) => Values
  ) => nonEmpty(fillCodes(store, random, set, items, more)) ?? [""]

  const currencies = nonEmpty(
    Words.currencies.map(([sign, name], index) => {
      const id = random.guid()
      store.insert({
        id,
        set: "General_Currencies_Currencies",
        values: { ...root(random, index + 1), CurrencySign: sign, Name: name, IsActive: true, ShowOrder: index * 10 }
      })
      return id
    })
  ) ?? [""]
  const countries = codes("General_Geography_Countries", Words.countries)

  const unitCategories: Array<string> = []
  const units: Array<readonly [string, string]> = []
  for (const [index, category] of Words.unitCategories.entries()) {
    const categoryId = random.guid()
    unitCategories.push(categoryId)
    store.insert({
      id: categoryId,
      set: "General_Products_MeasurementCategories",
      values: { ...root(random, index + 1), Name: both(category.name), IsDefault: index === 0 }
    })
    for (const [position, unit] of category.units.entries()) {
      const id = random.guid()
      units.push([id, unit.code])
      store.insert({
        id,
        set: "General_Products_MeasurementUnits",
        values: {
          Code: unit.code,
          Name: both(unit.name),
          Multiplier: `${unit.multiplier}.000`,
          Divisor: "1.000",
          IsDefaultUnit: position === 0,
          SystemUnit: unit.systemUnit,
          MeasurementCategory: categoryId
        }
      })
    }
  }

  const owners = ["OWN-001", "OWN-002"].map((code, index) => {
    const id = random.guid()
    store.insert(lazyRow(id, "General_Contacts_Companies", company(seed, index, code, countries)))
    return id
  })
  const [owner = ""] = owners
  const [euro] = currencies
  const [enterprise = ""] = owners.map((id, index) => {
    const enterpriseId = random.guid()
    store.insert({
      id: enterpriseId,
      set: "General_EnterpriseCompanies",
      values: {
        ...root(random, index + 1),
        Company: id,
        BaseCurrency: euro,
        ReportingCurrency: euro,
        IsActive: true,
        DefaultCostingMethod: "AverageCost"
      }
    })
    return enterpriseId
  })
  const location = random.guid()
  const locationName = text("Head office", "Централен офис")
  store.insert({
    id: location,
    set: "General_Contacts_CompanyLocations",
    values: {
      ...root(random, 1),
      PartyCode: "LOC-001",
      PartyName: locationName,
      PartyType: "CompanyLocation",
      IsActive: true,
      PartyCreationTime: firstDay,
      PartyCreationUser: "admin",
      LocationName: locationName,
      WorkingTime: "09:00-18:00",
      Company: owner
    }
  })

  const salesPersons = nonEmpty(
    Array.from({ length: 6 }, (_, index) => {
      const employee = random.guid()
      const code = `EMP-${String(index + 1).padStart(3, "0")}`
      store.insert(lazyRow(employee, "General_Contacts_Persons", person(seed, index, code)))
      const id = random.guid()
      store.insert({
        id,
        set: "Crm_SalesForce_SalesPersons",
        values: { ...root(random, index + 1), IsActive: true, Person: employee }
      })
      const login = Words.logins[index]
      if (login !== undefined) {
        store.insert({
          id: random.guid(),
          set: "Systems_Security_Users",
          values: {
            ...root(random, index + 1),
            Login: login,
            Name: text(login, login),
            Email: `${login}@example.com`,
            UserType: login.startsWith("svc.") ? "SystemUserNoLogin" : "InternalUser",
            Active: true,
            IsAdmin: login === "admin",
            DefaultLanguage: "en",
            TimeZone: "FLE Standard Time",
            Person: employee
          }
        })
      }
      return id
    })
  ) ?? [""]

  codes("General_Products_ProductTypes", Words.productTypes, (index) => ({
    IsDefault: index === 0,
    IsFixedAsset: false,
    IsServiceActivityService: false,
    IsServiced: false,
    IsShipped: index !== 1,
    IsStocked: index !== 1,
    LotAutoCreation: false
  }))
  const documentTypes = fillCodes(
    store,
    random,
    "Systems_Documents_DocumentTypes",
    Words.documentTypes,
    () => ({
      EntityName: "Crm_Sales_Orders",
      CreateManully: true,
      TrackAttributeChanges: "Default",
      TrackPrintImages: "DoNotTrack"
    }),
    ["Code", "TypeName"]
  )

  return {
    euro,
    currencies,
    company: enterprise,
    location,
    fromParty: owner,
    documentType: documentTypes[0] ?? "",
    countries,
    salesPersons,
    customerTypes: codes("Crm_Sales_CustomerTypes", Words.customerTypes),
    channels: codes("Crm_Marketing_DistributionChannels", Words.channels),
    paymentTypes: codes("Finance_Payments_PaymentTypes", Words.paymentTypes),
    priceLists: codes("Crm_Pricing_PriceLists", Words.priceLists),
    units,
    unitCategories
  }
}

/** Two limits that no double can hold, then plain ones. */
const creditLimit = (random: Random, index: number): Complex | null => {
  if (index === 0) return amount(123_456_789_012_345_678n, 2, "EUR")
  if (index === 1) return amount(99_999_999_999_999_999n, 2, "EUR")
  return random.chance(0.4) ? amount((1 + random.below(200)) * 50_000, 2, "EUR") : null
}

const customer =
  (seed: number, index: number, party: string, basics: Basics): (() => Values) =>
  () => {
    const random = makeRandom(seed, `customer ${index}`)
    const terms = random.below(4) * 15
    const created = anyTime(random)
    return {
      ObjectVersion: index + 1,
      AggregateLastUpdateTimeUtc: lastUpdate(random, index + 1),
      CreationTime: created,
      CreationUser: random.pick(Words.logins),
      UpdateTime: created + random.below(60) * day,
      UpdateUser: random.pick(Words.logins),
      Active: random.chance(0.95),
      AllowUseAsPrimaryCustomer: false,
      AllowUseAsShipToCustomer: random.chance(0.3),
      CreditLimit: creditLimit(random, index),
      DefaultDeliveryTermDays: random.below(8),
      DefaultPaymentStartDays: 0,
      DefaultPaymentTermDays: terms,
      FromDate: anyDay(random),
      GracePeriodDays: random.below(6),
      Number: String(index + 1).padStart(6, "0"),
      PersistSalesOrdersLots: false,
      CustomProperty_segment: segment(random),
      ExternalId: index % 10 === 0 ? `WEB-${index + 1}` : null,
      ExternalSystem: index % 10 === 0 ? "webshop" : null,
      CustomerType: random.pick(basics.customerTypes),
      DefaultCurrency: basics.euro,
      DefaultDistributionChannel: random.chance(0.5) ? random.pick(basics.channels) : null,
      DefaultPaymentType: random.pick(basics.paymentTypes),
      DefaultPriceList: random.chance(0.3) ? random.pick(basics.priceLists) : null,
      EnterpriseCompany: basics.company,
      Party: party,
      SalesPerson: random.chance(0.8) ? random.pick(basics.salesPersons) : null
    }
  }

const fillCustomers = (store: Store, options: SeedOptions, basics: Basics): ReadonlyArray<string> => {
  const { customers, seed } = options
  const random = makeRandom(seed, "customers")
  return Array.from({ length: customers }, (_, index) => {
    const code = `P${String(index + 1).padStart(6, "0")}`
    const party = random.guid()
    store.insert(
      random.chance(0.7)
        ? lazyRow(party, "General_Contacts_Companies", company(seed, index, code, basics.countries))
        : lazyRow(party, "General_Contacts_Persons", person(seed, index, code))
    )
    const id = random.guid()
    store.insert(lazyRow(id, "Crm_Sales_Customers", customer(seed, index, party, basics)))
    return id
  })
}

const segments = [
  {
    Value: "retail",
    ValueId: "5f0d7a4e-58a4-4c29-9f0e-6d9c7c1b2a01",
    Description: { EN: "Retail", BG: "Търговия на дребно" }
  },
  {
    Value: "wholesale",
    ValueId: "5f0d7a4e-58a4-4c29-9f0e-6d9c7c1b2a02",
    Description: { EN: "Wholesale", BG: "Търговия на едро" }
  },
  { Value: "other", ValueId: null, Description: null }
] as const

const segment = (random: Random): Complex | null => segments[random.below(5)] ?? null

interface Item {
  readonly id: string
  readonly name: Complex
  readonly unit: readonly [id: string, code: string]
  readonly cents: number
  readonly price: string
}

const fillProducts = (store: Store, options: SeedOptions, basics: Basics): ReadonlyArray<Item> => {
  const random = makeRandom(options.seed, "products")
  const [pieces = ["", "PCS"], ...otherUnits] = basics.units
  const types = store.sorted(entityOf(store.model, "General_Products_ProductTypes"))
  const stocked = types.find((type) => stored(type, "IsDefault") === true)?.id ?? ""
  const service = types.find((type) => stored(type, "IsStocked") === false)?.id ?? ""
  const groups = Words.productGroups.map((group, index) => {
    const id = random.guid()
    store.insert({
      id,
      set: "General_Products_ProductGroups",
      values: {
        ...root(random, index + 1),
        Active: true,
        Code: group.code,
        FullPath: `/${group.code}/`,
        Name: both(group.name),
        DefaultMeasurementUnit: pieces[0],
        DefaultProductType: group.service ? service : stocked
      }
    })
    return { ...group, id }
  })
  const items: Array<Item> = []
  for (let index = 0; index < options.products; index++) {
    const group = groups[index % groups.length]
    if (group === undefined) break
    const [en, bg] = random.pick(group.products)
    const model = 100 + index
    const name = text(`${en} ${model}`, `${bg} ${model}`)
    const id = sequentialGuid(index)
    const cents = 99 + random.below(90_000)
    const kilograms = otherUnits.find(([, code]) => code === "KG")
    const unit = group.bulk && kilograms !== undefined ? kilograms : pieces
    const price = random.guid()
    const created = anyTime(random)
    items.push({ id, name, unit, cents, price })
    store.insert({
      id,
      set: "General_Products_Products",
      values: {
        ObjectVersion: index + 1,
        AggregateLastUpdateTimeUtc: lastUpdate(random, index + 1),
        CreationTime: created,
        CreationUser: random.pick(Words.logins),
        UpdateTime: created + random.below(60) * day,
        UpdateUser: random.pick(Words.logins),
        ABCClass: random.pick(["A", "B", "C"]),
        Active: random.chance(0.97),
        AllowVariableMeasurementRatios: false,
        Description: random.chance(0.5) ? text(`${en}, model ${model}`, `${bg}, модел ${model}`) : null,
        FlushingMethod: "Manual",
        IsFeatured: random.chance(0.1),
        IsSerialized: false,
        ManufacturingPolicy: "MTS",
        Name: name,
        PartNumber: `${group.code}${String(index + 1).padStart(4, "0")}`,
        PlanningBucket: "Week",
        ScrapRate: "0.000000",
        ShortName: text(en, bg),
        ShowInCatalog: random.chance(0.6),
        StandardCostPerLot: amount(cents * 60, 4, "EUR"),
        StandardLotSizeBase: quantity(1, unit[1]),
        StandardPricePerLot: amount(cents * 100, 4, "EUR"),
        UseLots: "Allowed",
        CustomProperty_color_u002Ename: random.chance(0.3)
          ? { Value: random.pick(["red", "green", "blue"]), ValueId: null, Description: null }
          : null,
        BaseMeasurementCategory: group.bulk ? (basics.unitCategories[1] ?? "") : (basics.unitCategories[0] ?? ""),
        CostingCurrency: basics.euro,
        MeasurementUnit: unit[0],
        OriginCountry: random.pick(basics.countries),
        ProductGroup: group.id,
        ProductType: group.service ? service : stocked
      }
    })
    store.insert({
      id: price,
      set: "Crm_Pricing_ProductPrices",
      values: {
        Price: amount(cents * 1000, 5, "EUR"),
        PriceQuantity: quantity(1, unit[1]),
        IsActive: true,
        Priority: "Low",
        FromDate: firstDay,
        Currency: basics.euro,
        PriceQuantityMeasurementUnit: unit[0],
        Product: id
      }
    })
  }
  return items
}

const fillCustomerProducts = (
  store: Store,
  options: SeedOptions,
  customers: ReadonlyArray<string>,
  items: ReadonlyArray<Item>
): void => {
  const random = makeRandom(options.seed, "customerProducts")
  for (const customer of customers.slice(0, 200)) {
    const first = random.below(items.length)
    for (const item of items.slice(first, first + random.below(4))) {
      store.insert({
        id: random.guid(),
        set: "Crm_Sales_CustomerProducts",
        values: {
          FromDate: anyDay(random),
          InStoreMaxQuantity: quantity(10 + random.below(90), item.unit[1]),
          InStoreMinQuantity: quantity(random.below(10), item.unit[1]),
          IsActive: true,
          Customer: customer,
          InStoreQuantityUnit: item.unit[0],
          Product: item.id
        }
      })
    }
  }
}

const states = ["New", "Planned", "FirmPlanned", "Released", "Released", "Completed", "Closed"] as const

const fillSalesOrders = (
  store: Store,
  options: SeedOptions,
  basics: Basics,
  customers: List,
  items: ReadonlyArray<Item>
): void => {
  const random = makeRandom(options.seed, "salesOrders")
  const customerEntity = entityOf(store.model, "Crm_Sales_Customers")
  for (let index = 0; index < options.salesOrders; index++) {
    const id = random.guid()
    const customer = random.pick(customers)
    const details = store.find(customerEntity, customer)
    const date = anyDay(random)
    const state = random.pick(states)
    const isVoid = random.chance(0.03)
    const created = date + 8 * 3_600_000 + random.below(36_000) * 1000
    store.insert({
      id,
      set: "Crm_Sales_SalesOrders",
      values: {
        ...root(random, index + 1),
        AdjustmentNumber: 0,
        ApplyTradeConditions: true,
        CreationTime: created,
        CreationUser: random.pick(Words.logins),
        CreditLimitOverride: false,
        CustomerPurchaseOrderNo: random.chance(0.4) ? `PO-${10_000 + random.below(90_000)}` : null,
        DocumentDate: date,
        DocumentNo: String(index + 1).padStart(10, "0"),
        EntityName: "Crm_Sales_Orders",
        IsSingleExecution: false,
        IsValidField: true,
        PaymentDueDate: date + 30 * day,
        PlanningOnly: false,
        ReadOnly: false,
        ReferenceDate: date,
        ReleaseTime: state === "Released" || state === "Completed" || state === "Closed" ? created + 3_600_000 : null,
        RequiredDeliveryDate: date + (1 + random.below(20)) * day,
        State: state,
        Void: isVoid,
        VoidReason: isVoid ? "Entered twice" : null,
        VoidTime: isVoid ? created + day : null,
        VoidUser: isVoid ? "admin" : null,
        Customer: customer,
        DistributionChannel: details && stored(details, "DefaultDistributionChannel"),
        DocumentCurrency: basics.euro,
        DocumentType: basics.documentType,
        EnterpriseCompany: basics.company,
        EnterpriseCompanyLocation: basics.location,
        FromParty: basics.fromParty,
        MasterDocument: id,
        PaymentType: details && stored(details, "DefaultPaymentType"),
        SalesPerson: details && stored(details, "SalesPerson"),
        ToParty: details && stored(details, "Party")
      }
    })
    const lineCount = 1 + random.below(5)
    for (let line = 1; line <= lineCount; line++) {
      const item = items[random.below(items.length)]
      if (item === undefined) break
      const count = 1 + random.below(40)
      const percent = random.chance(0.25) ? 5 * (1 + random.below(3)) : 0
      const lineCents = Math.round((item.cents * count * (100 - percent)) / 100)
      store.insert({
        id: random.guid(),
        set: "Crm_Sales_SalesOrderLines",
        values: {
          ApplyTradeConditions: true,
          LineAmount: amount(lineCents, 2, "EUR"),
          LineCustomDiscountPercent: `0.${String(percent).padStart(2, "0")}0000`,
          LineNo: line * 10,
          LineStandardDiscountPercent: "0.000000",
          PersistLot: false,
          ProductDescription: item.name,
          Quantity: quantity(count, item.unit[1]),
          QuantityBase: quantity(count, item.unit[1]),
          RequiredDeliveryDate: date + 7 * day,
          StandardQuantityBase: quantity(count, item.unit[1]),
          StandardUnitPrice: amount(item.cents * 1000, 5, "EUR"),
          TaxAmount: amount(Math.round(lineCents / 5), 2, "EUR"),
          UnitPrice: amount(item.cents * 1000, 5, "EUR"),
          Document: id,
          Product: item.id,
          ProductPrice: item.price,
          QuantityUnit: item.unit[0],
          SalesOrder: id
        }
      })
    }
  }
}

/**
 * Sets of the demo that the seed leaves empty, so that rows may be invented for them.
 *
 * @category testing
 * @since 0.2.0
 */
export const unfilledSets: ReadonlySet<string> = new Set([
  "Crm_Sales_CustomerExternalAccess",
  "Finance_Payments_PaymentAccounts",
  "General_Contacts_CompanyEmployees"
])

/**
 * Fills an empty store.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fillStore = (store: Store, options: SeedOptions): void => {
  const basics = fillBasics(store, options.seed)
  const customers = fillCustomers(store, options, basics)
  const items = fillProducts(store, options, basics)
  const buyers = nonEmpty(customers)
  if (buyers === undefined || items.length === 0) return
  fillCustomerProducts(store, options, customers, items)
  fillSalesOrders(store, options, basics, buyers, items)
}
