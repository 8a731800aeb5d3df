/**
 * Server versions such as `26.2.0.76`, and the names that entity sets had in them.
 */

/**
 * Compares two server versions by their numeric parts; missing parts are zero.
 *
 * @category combinators
 * @since 0.1.0
 */
export const compareVersions = (left: string, right: string): number => {
  const a = left.split(".").map(Number)
  const b = right.split(".").map(Number)
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return 0
}

/**
 * One renaming of an entity set and the server version that brought it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rename {
  readonly oldName: string
  readonly newName: string
  readonly version: string
}

/**
 * Renames, newest first, as `GetRenamedEntityTypes` lists them.
 *
 * @category models
 * @since 0.1.0
 */
export const renames: ReadonlyArray<Rename> = [
  ["Logistics_Inventory_RequisitionPlan", "Logistics_Planning_RequisitionPlan", "26.2.2.12"],
  ["Crm_Sales_ForecastItems", "Logistics_Planning_DemandForecastItems", "26.2.2.6"],
  ["Crm_Customers", "Crm_Sales_Customers", "25.1.2.28"],
  ["Crm_ProductPrices", "Crm_Pricing_ProductPrices", "25.1.1.36"],
  ["Crm_SalesPersons", "Crm_SalesForce_SalesPersons", "25.1.1.36"],
  ["General_Documents", "General_Documents_Documents", "25.1.0.64"],
  ["General_Currencies", "General_Currencies_Currencies", "25.1.0.64"],
  ["General_DocumentTypes", "Systems_Documents_DocumentTypes", "24.1.5.35"],
  ["General_MeasurementUnits", "General_Products_MeasurementUnits", "24.1.5.35"],
  ["Systems_Core_WebHooks", "Systems_Config_WebHooks", "24.1.5.35"]
].map(([oldName = "", newName = "", version = ""]) => ({ oldName, newName, version }))

/**
 * The name that follows from all known renames.
 *
 * @category combinators
 * @since 0.1.0
 */
export const currentName = (name: string): string => {
  const rename = renames.find((candidate) => candidate.oldName === name)
  return rename === undefined ? name : currentName(rename.newName)
}

/**
 * The name that a server of this version has for an entity set.
 *
 * @category combinators
 * @since 0.1.0
 */
export const nameInVersion = (name: string, version: string): string => {
  const rename = renames.find((candidate) => candidate.newName === name)
  return rename === undefined || compareVersions(version, rename.version) >= 0
    ? name
    : nameInVersion(rename.oldName, version)
}
