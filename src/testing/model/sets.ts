/**
 * The entity sets of the embedded instance.
 *
 * An attribute line reads: name, type with `!` for required, flags. Types: s(n) string, S long string, i Int32, l Int64,
 * b Boolean, d date, dt date and time, g Guid, dec(p,s) Decimal, A(p,s) Amount, Q(p,s) Quantity, M(n)
 * MultilanguageString, bin Binary, custom a custom property, else an enum type. Flags: r read only, c calculated,
 * hidden not selected by default, =v default value, E G L I filter groups, O orderable, by:path the reference that has
 * the currency or unit, unique.
 * A reference line reads: name with `!` for required, entity set, F filterable, owner for an ownership reference.
 * A children line reads: name, entity set, the reference of that set which points back.
 */
import { buildModel, type EntityText, type Model } from "./model.ts"

const enums = {
  General_Products_ProductsRepository_ABCClass: { A: 0, B: 1, C: 2 },
  General_Products_ProductsRepository_CostingMethod: {
    AverageCostForTheWholeProduct: 0,
    SeparateCostForEachLot: 1,
    AveragePartitionedByReservedForDocument: 2
  },
  General_Products_ProductsRepository_FlushingMethod: { Backward: 0, Forward: 1, Manual: 2 },
  General_Products_ProductsRepository_LotsIssue: {
    FirstInFirstOut: 0,
    FirstExpireFirstOut: 1,
    LastInFirstOut: 2
  },
  General_Products_ProductsRepository_PlanningBucket: { Day: 0, Week: 1, TwoWeeks: 2, Month: 3 },
  General_Products_UseLots: { Allowed: 0, NotAllowed: 1, Required: 2 },
  General_Products_MeasurementUnitsRepository_SystemUnit: {
    GrossKilograms: 0,
    HeightMeters: 1,
    LengthMeters: 2,
    NetKilograms: 3,
    Pieces: 4,
    VolumeLiters: 5,
    WidthMeters: 6,
    TimeHours: 7
  },
  General_Contacts_PartiesRepository_PartyType: {
    Company: 0,
    CompanyLocation: 1,
    Person: 2,
    Store: 3,
    CompanyDivision: 4
  },
  General_Contacts_PersonsRepository_Gender: { Female: 0, Male: 1, Other: 2, PreferNotToSay: 3 },
  General_Documents_DocumentState: {
    New: 0,
    Adjustment: 5,
    Planned: 10,
    FirmPlanned: 20,
    Released: 30,
    Completed: 40,
    Closed: 50
  },
  General_Documents_DocumentsRepository_ParentDocumentRelationshipType: {
    Subtask: 0,
    NextTask: 1,
    IndependentTask: 2
  },
  General_EnterpriseCompaniesRepository_DefaultCostingMethod: {
    AverageCost: 0,
    ExplicitlySpecifyLot: 1,
    SetByBlockedForDocument: 2
  },
  General_Priority: { Lowest: 1, Low: 2, Medium: 3, High: 4, Highest: 5 },
  Regulatory_Intrastat_DeliveryTerms: {
    ExWorks: 0,
    FrancoCarrier: 1,
    FreeAlongsideShip: 2,
    FreeOnBoard: 3,
    CostAndFreightCF: 4,
    CostInsuranceAndFreight: 5,
    CarriagePaidTo: 6,
    CarriageAndInsurancePaidTo: 7,
    DeliveredAtPlace: 8,
    DeliveredAtTerminal: 9,
    DeliveredDutyPaid: 10,
    DeliveredAtPlaceUnloaded: 11
  },
  Systems_Documents_DocumentTypesRepository_TrackAttributeChanges: { Default: 0, ForceEnable: 1, ForceDisable: 2 },
  Systems_Documents_DocumentTypesRepository_TrackPrintImages: { DoNotTrack: 0, SaveSourceDataCompressed: 1 },
  Systems_Security_UsersRepository_UserType: {
    InternalUser: 0,
    ExternalCommunityUser: 1,
    VirtualUserNoLogin: 2,
    SystemUserNoLogin: 3,
    ApplicationUserNoLogin: 4,
    InvitationInternalNoLogin: 5,
    InvitationExternalNoLogin: 6
  }
}

const tracking = `
  CreationTime dt    r G
  CreationUser s(64) r L
  UpdateTime   dt    r G
  UpdateUser   s(64) r L
`

/** Sets that others refer to and that hold little: a code and a name (assumed). */
const lookup = (set: string, type: string, table: string, attributes = ""): EntityText => ({
  set,
  type,
  table,
  root: true,
  code: "Code",
  search: ["Code", "Name"],
  display: "{Name:T}",
  attributes: `
    Code s(16)!  E L O
    Name M(254)! E L
    ${attributes}
  `
})

const texts: ReadonlyArray<EntityText> = [
  {
    set: "Crm_Sales_Customers",
    type: "Crm_Sales_Customer",
    table: "Crm_Customers",
    root: true,
    code: "Number",
    search: ["Number", "Party.PartyName"],
    display: "{Party.PartyName:T}",
    attributes: `
      Active                    b!     =true  E
      AllowUseAsPrimaryCustomer b!     =false E
      AllowUseAsShipToCustomer  b!     =false E
      CreationTime              dt     r G
      CreationUser              s(64)  r L
      CreditLimit               A(18,2)
      DefaultDeliveryTermDays   i!     =0
      DefaultPaymentStartDays   i!     =0
      DefaultPaymentTermDays    i!     =0
      FromDate                  dt     =today G
      GracePeriodDays           i!     =0
      Number                    s(16)  E L O
      PersistSalesOrdersLots    b!     =false E
      ThruDate                  dt     G
      UpdateTime                dt     r G
      UpdateUser                s(64)  r L
      CustomProperty_segment    custom E
      CalculatedAttribute_LoyaltyNumber l c
    `,
    references: `
      CollectionsResponsibleEmployee      General_Contacts_CompanyEmployees
      CustomerType                        Crm_Sales_CustomerTypes
      DefaultCurrency                     General_Currencies_Currencies
      DefaultDistributionChannel          Crm_Marketing_DistributionChannels
      DefaultPaymentAccount               Finance_Payments_PaymentAccounts
      DefaultPaymentType                  Finance_Payments_PaymentTypes
      DefaultPriceList                    Crm_Pricing_PriceLists
      EnterpriseCompany                   General_EnterpriseCompanies
      Party!                              General_Contacts_Parties F
      SalesPerson                         Crm_SalesForce_SalesPersons
      ServicedByEnterpriseCompanyLocation General_Contacts_CompanyLocations
    `,
    children: `
      ExternalAccess Crm_Sales_CustomerExternalAccess Customer
      Products       Crm_Sales_CustomerProducts       Customer
    `
  },
  {
    set: "Crm_Sales_CustomerExternalAccess",
    type: "Crm_Sales_CustomerExternalAcces",
    table: "Crm_Customer_External_Access",
    display: "{ExternalUser.Login}",
    references: `
      Customer!     Crm_Sales_Customers F owner
      ExternalUser! Systems_Security_Users
    `
  },
  {
    set: "Crm_Sales_CustomerProducts",
    type: "Crm_Sales_CustomerProduct",
    table: "Crm_Customer_Products",
    display: "{Product.Name:T}",
    attributes: `
      FromDate           d       E G
      InStoreLocation    s(32)
      InStoreMaxQuantity Q(10,3) E G by:InStoreQuantityUnit
      InStoreMinQuantity Q(10,3) E G by:InStoreQuantityUnit
      IsActive           b!      =true E
      Notes              s(254)
      OrderMultiple      Q(10,3) E G by:InStoreQuantityUnit
      ToDate             d       E G
    `,
    references: `
      CompanyLocation     General_Contacts_CompanyLocations
      Customer!           Crm_Sales_Customers F owner
      InStoreQuantityUnit General_Products_MeasurementUnits
      Product!            General_Products_Products F
    `
  },
  {
    set: "General_Products_Products",
    type: "General_Products_Product",
    table: "Gen_Products",
    root: true,
    code: "PartNumber",
    search: ["PartNumber", "Name"],
    display: "{Name:T}",
    attributes: `
      ABCClass                        General_Products_ProductsRepository_ABCClass! =B E
      Active                          b!        =true  E
      AllowVariableMeasurementRatios  b!        =false E
      CatalogDescriptionHtml          S
      CostingMethod                   General_Products_ProductsRepository_CostingMethod
      CreationTime                    dt        r G
      CreationUser                    s(64)     r L
      Description                     M
      ExpiryPeriodDays                i
      FlushingMethod                  General_Products_ProductsRepository_FlushingMethod! =Manual
      GuaranteePeriodDays             i
      IsFeatured                      b!        =false E
      IsSerialized                    b!        =false E
      LotsIssue                       General_Products_ProductsRepository_LotsIssue
      ManufacturingPolicy             s(3)!     =MTS
      MinimalSalesPricePerLot         A(18,4) by:CostingCurrency
      MinimalSalesQuantityBase        dec(18,3)
      Name                            M(254)!   E L
      PartNumber                      s(32)!    E L I O unique
      PlanningBucket                  General_Products_ProductsRepository_PlanningBucket =Week E O
      PlanningDemandTimeFenceDays     i
      PlanningHorizonDays             i
      PlanningTimeFenceDays           i
      ScrapRate                       dec(7,6)! =0
      ShortName                       M(128)    E L
      ShowInCatalog                   b!        =false E I
      StandardCostPerLot              A(18,4)! by:CostingCurrency
      StandardLotSizeBase             Q(18,3)! by:MeasurementUnit
      StandardPricePerLot             A(18,4)! by:CostingCurrency
      SupplySchemaId                  g         E I
      UpdateTime                      dt        r G
      UpdateUser                      s(64)     r L
      UseLots                         General_Products_UseLots! =Allowed
      CustomProperty_color_u002Ename  custom    E
    `,
    references: `
      BaseMeasurementCategory! General_Products_MeasurementCategories
      CostingCurrency          General_Currencies_Currencies
      EnterpriseCompany        General_EnterpriseCompanies
      MeasurementUnit!         General_Products_MeasurementUnits
      OriginCountry            General_Geography_Countries
      ProductGroup!            General_Products_ProductGroups
      ProductType!             General_Products_ProductTypes
      PurchaseMeasurementUnit  General_Products_MeasurementUnits
    `,
    children: "Prices Crm_Pricing_ProductPrices Product"
  },
  {
    set: "General_Documents_Documents",
    type: "General_Documents_Document",
    table: "Gen_Documents",
    abstract: true,
    root: true,
    ownKey: "DocumentId",
    code: "DocumentNo",
    search: ["DocumentNo"],
    display: "{DocumentType.TypeName:T} {DocumentNo}{StateTagsAttribute}",
    attributes: `
      AdjustmentNumber               i!    r =0
      AdjustmentTime                 dt    r G
      AdjustmentUser                 s(64) r
      CompleteTime                   dt    r G
      CreationTime                   dt!   r G
      CreationUser                   s(64)! r L
      DocumentDate                   d!    =today E G O
      DocumentNo                     s(20)! E L O
      DocumentNotes                  S
      EntityName                     s(64)! r E O
      FromDate                       d     G
      FullState                      S     c
      IsSingleExecution              b!    r E
      IsValidField                   b!    r
      ParentDocumentRelationshipType General_Documents_DocumentsRepository_ParentDocumentRelationshipType r
      PlanningOnly                   b!    r
      ReadOnly                       b!    r
      ReferenceDate                  dt    =today G
      ReferenceDocumentNo            s(20) E L
      ReleaseTime                    dt    r G
      State                          General_Documents_DocumentState! r =New E G I
      StateTagsAttribute             S     c
      ToDate                         d     G
      Void                           b!    r =false E
      VoidReason                     s(254) r
      VoidTime                       dt    r G
      VoidUser                       s(64) r
    `,
    references: `
      AdjustedDocument           General_Documents_Documents
      AssignedToUser             Systems_Security_Users
      DocumentType!              Systems_Documents_DocumentTypes
      EnterpriseCompany!         General_EnterpriseCompanies
      EnterpriseCompanyLocation! General_Contacts_CompanyLocations
      FromParty!                 General_Contacts_Parties
      MasterDocument!            General_Documents_Documents
      Parent                     General_Documents_Documents
      PrimeCauseDocument         General_Documents_Documents
      ResponsiblePerson          General_Contacts_Persons
      ReverseOfDocument          General_Documents_Documents
      ToParty                    General_Contacts_Parties
    `
  },
  {
    set: "Crm_Sales_SalesOrders",
    type: "Crm_Sales_SalesOrder",
    table: "Crm_Sales_Orders",
    base: "General_Documents_Documents",
    root: true,
    display: "{DocumentType.TypeName:T} {DocumentNo}{StateTagsAttribute}",
    attributes: `
      AmountToPay               A(18,2) c
      ApplyTradeConditions      b     =true E
      CreditLimitOverride       b!    =false E
      CustomerPurchaseOrderDate d     G
      CustomerPurchaseOrderNo   s(20) E L O
      DeliveryTermsCode         Regulatory_Intrastat_DeliveryTerms
      FiscalSalesNumber         s(32) r E L I
      InvoiceNo                 s(32) E
      PaymentDueDate            dt    G
      PaymentDueStartDate       dt    G
      RequiredDeliveryDate      d     G
      TotalLineAmount           A(18,2) c
    `,
    references: `
      Customer!           Crm_Sales_Customers
      DistributionChannel Crm_Marketing_DistributionChannels
      DocumentCurrency!   General_Currencies_Currencies
      EndCustomerParty    General_Contacts_Parties
      PaymentAccount      Finance_Payments_PaymentAccounts
      PaymentType         Finance_Payments_PaymentTypes
      PriceList           Crm_Pricing_PriceLists
      ReturnForSalesOrder Crm_Sales_SalesOrders
      SalesPerson         Crm_SalesForce_SalesPersons
      ShipToCustomer      Crm_Sales_Customers
    `,
    children: "Lines Crm_Sales_SalesOrderLines SalesOrder"
  },
  {
    set: "Crm_Sales_SalesOrderLines",
    type: "Crm_Sales_SalesOrderLine",
    table: "Crm_Sales_Order_Lines",
    search: ["SalesOrder.DocumentNo"],
    display: "{LineNo}. {SalesOrder.DocumentNo} {Product.Name:T}",
    attributes: `
      ApplyTradeConditions        b!        =true E
      BonusProgramAmount          A(14,2)   c
      DeliveryTermsCode           Regulatory_Intrastat_DeliveryTerms
      GuaranteePeriodDays         i
      HistoricalDataJson          S
      HistoricalUnitCost          A(14,5)   E G
      IntrastatApplyDate          dt        G
      LineAmount                  A(14,2)! by:SalesOrder.DocumentCurrency
      LineCustomDiscountPercent   dec(7,6)! =0 G
      LineFromDate                d         G
      LineNo                      i!        E O
      LineStandardDiscountPercent dec(7,6)! r =0
      LineToDate                  d         G
      Notes                       S
      ParentLineNo                i         E
      PersistLot                  b!        =false E
      ProductDescription          M(254)!   L
      Quantity                    Q(12,3)!  G by:QuantityUnit
      QuantityBase                Q(12,3)! by:Product.MeasurementUnit
      RequestedQuantity           Q(12,3) by:QuantityUnit
      RequiredDeliveryDate        d         G
      StandardQuantityBase        Q(12,3)!  r by:Product.MeasurementUnit
      StandardUnitPrice           A(14,5)   r by:SalesOrder.DocumentCurrency
      TaxAmount                   A(12,2) by:SalesOrder.DocumentCurrency
      UnitPrice                   A(14,5)! by:SalesOrder.DocumentCurrency
    `,
    references: `
      Document!              General_Documents_Documents
      LineEndCustomerParty   General_Contacts_Parties
      ParentDocument         General_Documents_Documents
      Product!               General_Products_Products
      ProductPrice           Crm_Pricing_ProductPrices
      QuantityUnit!          General_Products_MeasurementUnits
      ReturnForSalesOrderLine Crm_Sales_SalesOrderLines
      SalesOrder!            Crm_Sales_SalesOrders F owner
    `
  },
  {
    set: "General_Contacts_Parties",
    type: "General_Contacts_Party",
    table: "Gen_Parties",
    abstract: true,
    root: true,
    ownKey: "PartyId",
    code: "PartyCode",
    search: ["PartyCode", "PartyName"],
    display: "{PartyName:T}",
    attributes: `
      GLN               s(13)   E I O
      IsActive          b!      =true E
      PartyCode         s(16)!  E L I O
      PartyCreationTime dt      r G
      PartyCreationUser s(64)   r L
      PartyName         M(254)! r E L
      PartyNotes        s(254)
      PartyType         General_Contacts_PartiesRepository_PartyType! =Person E I
      PartyUniqueNumber s(16)   r E L
      PartyUpdateTime   dt      r G
      PartyUpdateUser   s(64)   r L
    `,
    references: "ParentParty General_Contacts_Parties"
  },
  {
    set: "General_Contacts_Companies",
    type: "General_Contacts_Company",
    table: "Gen_Companies",
    base: "General_Contacts_Parties",
    root: true,
    display: "{PartyName:T}",
    attributes: `
      BranchNumber                 i!     =0 E
      City                         M(64)  L
      IsVATCashReportingRegistered b!     =false
      IsVATRegistered              b!     =false
      Name                         M(254) E L
      RegistrationNumber           s(16)  E L O
      RegistrationPrimaryAddress   M(254) L
      RegistrationType             M(16)
      RegistrationVATNumber        s(16)  E L O
      ResponsiblePersonName        M(64)
      ${tracking}
    `,
    references: `
      Country                       General_Geography_Countries
      RegistrationResponsiblePerson General_Contacts_Persons
    `
  },
  {
    set: "General_Contacts_Persons",
    type: "General_Contacts_Person",
    table: "Gen_Persons",
    base: "General_Contacts_Parties",
    root: true,
    code: "NationalNumber",
    display: "{PartyName:T}",
    attributes: `
      BirthDate      dt    G
      FirstName      M(64) E L
      Gender         General_Contacts_PersonsRepository_Gender
      LastName       M(64) E L
      MiddleName     M(64) E L
      NationalNumber s(16) E L
      Notes          S
      Title          M(32)
      ${tracking}
    `
  },
  {
    set: "General_Contacts_CompanyLocations",
    type: "General_Contacts_CompanyLocation",
    table: "Gen_Company_Locations",
    base: "General_Contacts_Parties",
    root: true,
    display: "{PartyName:T}",
    attributes: `
      LocationName M(254)! E L
      WorkingTime  s(254)
    `,
    references: "Company! General_Contacts_Companies"
  },
  {
    set: "General_Products_ProductGroups",
    type: "General_Products_ProductGroup",
    table: "Gen_Product_Groups",
    root: true,
    code: "Code",
    search: ["Code", "Name"],
    display: "{Name:T}",
    attributes: `
      Active         b!      =true E
      Code           s(16)!  E L O
      FullPath       s(254)! E L O
      Name           M(180)! E L
      NextPartNumber s(16)
      Picture        bin
      UseLots        General_Products_UseLots
    `,
    references: `
      DefaultMeasurementUnit General_Products_MeasurementUnits
      DefaultProductType     General_Products_ProductTypes
      EnterpriseCompany      General_EnterpriseCompanies
      ParentGroup            General_Products_ProductGroups
    `
  },
  lookup(
    "General_Products_ProductTypes",
    "General_Products_ProductType",
    "Gen_Product_Types",
    `
      IsDefault                b! =false E
      IsFixedAsset             b! =false E
      IsServiceActivityService b! =false E
      IsServiced               b! =false E
      IsShipped                b! =false E
      IsStocked                b! =true  E
      LotAutoCreation          b! =false
    `
  ),
  {
    set: "General_Products_MeasurementCategories",
    type: "General_Products_MeasurementCategory",
    table: "Gen_Measurement_Categories",
    root: true,
    search: ["Name"],
    display: "{Name:T}",
    attributes: `
      IsDefault b!     =false E
      Name      M(64)! E L
    `,
    children: "MeasurementUnits General_Products_MeasurementUnits MeasurementCategory"
  },
  {
    set: "General_Products_MeasurementUnits",
    type: "General_Products_MeasurementUnit",
    table: "Gen_Measurement_Units",
    code: "Code",
    search: ["Code", "Name"],
    display: "{Code}",
    attributes: `
      Code          s(16)     E L O
      Divisor       dec(9,3)! =1
      IsDefaultUnit b!        =false E
      Multiplier    dec(9,3)! =1
      Name          M(64)!    E L
      SystemUnit    General_Products_MeasurementUnitsRepository_SystemUnit
    `,
    references: "MeasurementCategory! General_Products_MeasurementCategories F owner"
  },
  {
    set: "General_Currencies_Currencies",
    type: "General_Currencies_Currency",
    table: "Gen_Currencies",
    root: true,
    code: "CurrencySign",
    search: ["CurrencySign", "Name"],
    display: "{CurrencySign}",
    attributes: `
      CurrencySign s(4)!  E L O
      IsActive     b!     =true E
      Name         s(50)! L
      ShowOrder    i!     =0
    `
  },
  {
    set: "General_EnterpriseCompanies",
    type: "General_EnterpriseCompany",
    table: "Gen_Enterprise_Companies",
    root: true,
    code: "Company.RegistrationNumber",
    search: ["Company.RegistrationNumber", "Company.PartyName"],
    display: "{Company.PartyName:T}",
    attributes: `
      DefaultCostingMethod General_EnterpriseCompaniesRepository_DefaultCostingMethod
      IsActive             b! =true E I
    `,
    references: `
      BaseCurrency!     General_Currencies_Currencies
      Company!          General_Contacts_Companies F
      ReportingCurrency General_Currencies_Currencies
    `
  },
  {
    set: "Systems_Documents_DocumentTypes",
    type: "Systems_Documents_DocumentType",
    table: "Gen_Document_Types",
    root: true,
    code: "Code",
    search: ["Code", "TypeName"],
    display: "{TypeName:T}",
    attributes: `
      Code                  s(16)!  E L O
      CreateManully         b!      =true E
      EntityName            s(64)!  E I O
      TrackAttributeChanges Systems_Documents_DocumentTypesRepository_TrackAttributeChanges
      TrackPrintImages      Systems_Documents_DocumentTypesRepository_TrackPrintImages
      TypeName              M(254)! L
    `
  },
  {
    set: "Crm_Pricing_ProductPrices",
    type: "Crm_Pricing_ProductPrice",
    table: "Crm_Product_Prices",
    display: "{Product.Name:T}",
    search: ["Product.PartNumber", "Product.Name"],
    attributes: `
      FromDate      d        E G
      IsActive      b!       =true E
      MaxQuantity   Q(18,3)  E G
      MinQuantity   Q(18,3)  E G
      Notes         s(254)   L
      Price         A(13,5)! E G by:Currency
      PriceQuantity Q(10,3)! G by:PriceQuantityMeasurementUnit
      Priority      General_Priority! =Low E I
      ThruDate      d        E G
    `,
    references: `
      Currency!                     General_Currencies_Currencies
      Customer                      Crm_Sales_Customers
      PriceList                     Crm_Pricing_PriceLists
      PriceQuantityMeasurementUnit! General_Products_MeasurementUnits
      Product!                      General_Products_Products F owner
    `
  },
  {
    set: "Systems_Security_Users",
    type: "Systems_Security_User",
    table: "Sec_Users",
    root: true,
    code: "Login",
    search: ["Login", "Name"],
    display: "{Name:T}",
    attributes: `
      Active          b!      =true E
      DefaultLanguage s(15)   E
      Email           s(254)  E L I O
      IsAdmin         b!      =false E
      Login           s(64)!  E L I O
      Name            M(254)! L
      TimeZone        s(64)
      UserType        Systems_Security_UsersRepository_UserType! =InternalUser E L I
    `,
    references: "Person General_Contacts_Persons"
  },
  {
    set: "Crm_SalesForce_SalesPersons",
    type: "Crm_SalesForce_SalesPerson",
    table: "Crm_Sales_Persons",
    root: true,
    search: ["Person.PartyName"],
    display: "{Person.PartyName:T}",
    attributes: "IsActive b! =true E",
    references: "Person! General_Contacts_Persons F"
  },
  lookup("General_Geography_Countries", "General_Geography_Country", "Gen_Countries"),
  lookup("Crm_Sales_CustomerTypes", "Crm_Sales_CustomerType", "Crm_Customer_Types"),
  lookup("Crm_Marketing_DistributionChannels", "Crm_Marketing_DistributionChannel", "Crm_Distribution_Channels"),
  lookup("Crm_Pricing_PriceLists", "Crm_Pricing_PriceList", "Crm_Price_Lists"),
  lookup("Finance_Payments_PaymentAccounts", "Finance_Payments_PaymentAccount", "Cash_Payment_Accounts"),
  lookup("Finance_Payments_PaymentTypes", "Finance_Payments_PaymentType", "Cash_Payment_Types"),
  {
    set: "General_Contacts_CompanyEmployees",
    type: "General_Contacts_CompanyEmployee",
    table: "Gen_Company_Employees",
    display: "{Person.PartyName:T}",
    references: `
      Company! General_Contacts_Companies owner
      Person!  General_Contacts_Persons F
    `
  }
]

/**
 * The model of the embedded instance.
 *
 * @category models
 * @since 0.1.0
 */
export const model: Model = buildModel(texts, enums)
