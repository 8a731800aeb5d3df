/**
 * An embedded ERP.net instance to test and try applications against.
 *
 * @since 0.1.0
 */
export * as ErpNetEmulator from "./ErpNetEmulator.ts"
