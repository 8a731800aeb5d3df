/**
 * Decimals as text, so that an 18-digit amount keeps every digit.
 */

interface Scaled {
  readonly units: bigint
  readonly scale: number
}

const read = (text: string): Scaled => {
  const [mantissa = "0", exponent = "0"] = text.toLowerCase().split("e")
  const [whole = "0", fraction = ""] = mantissa.split(".")
  const units = BigInt(whole + fraction)
  const scale = fraction.length - Number(exponent)
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 }
}

const unitsAt = (value: Scaled, scale: number): bigint => value.units * 10n ** BigInt(scale - value.scale)

/**
 * Compares two decimals exactly.
 *
 * @category combinators
 * @since 0.1.0
 */
export const compareDecimals = (left: string, right: string): number => {
  const a = read(left)
  const b = read(right)
  const scale = Math.max(a.scale, b.scale)
  const difference = unitsAt(a, scale) - unitsAt(b, scale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/**
 * Writes a count of 1/10^scale as a decimal: `fromUnits(1234n, 2)` is `12.34`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromUnits = (units: bigint, scale: number): string => {
  if (scale === 0) return units.toString()
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0")
  return `${units < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/**
 * Adds two decimals exactly.
 *
 * @category combinators
 * @since 0.1.0
 */
export const addDecimals = (left: string, right: string): string => {
  const a = read(left)
  const b = read(right)
  const scale = Math.max(a.scale, b.scale)
  return fromUnits(unitsAt(a, scale) + unitsAt(b, scale), scale)
}

/** Divides and rounds half away from zero. */
const divideUnits = (units: bigint, by: bigint): bigint => {
  const [size, divisor] = [units < 0n ? -units : units, by < 0n ? -by : by]
  const rounded = (2n * size + divisor) / (2n * divisor)
  return units < 0n === by < 0n ? rounded : -rounded
}

/**
 * Rounds to a number of decimal places, half away from zero, and writes all of them.
 *
 * @category combinators
 * @since 0.1.0
 */
export const roundDecimal = (text: string, scale: number): string => {
  const value = read(text)
  return fromUnits(
    value.scale <= scale ? unitsAt(value, scale) : divideUnits(value.units, 10n ** BigInt(value.scale - scale)),
    scale
  )
}

/**
 * Multiplies two decimals exactly.
 *
 * @category combinators
 * @since 0.1.0
 */
export const multiplyDecimals = (left: string, right: string): string => {
  const a = read(left)
  const b = read(right)
  return fromUnits(a.units * b.units, a.scale + b.scale)
}

/**
 * Divides two decimals, rounded to a number of decimal places; zero when the divisor is zero.
 *
 * @category combinators
 * @since 0.1.0
 */
export const divideDecimals = (left: string, right: string, scale: number): string => {
  const a = read(left)
  const b = read(right)
  if (b.units === 0n) return fromUnits(0n, scale)
  return fromUnits(divideUnits(a.units * 10n ** BigInt(scale + b.scale), b.units * 10n ** BigInt(a.scale)), scale)
}

/**
 * Subtracts two decimals exactly.
 *
 * @category combinators
 * @since 0.1.0
 */
export const subtractDecimals = (left: string, right: string): string =>
  addDecimals(left, right.startsWith("-") ? right.slice(1) : `-${right}`)
