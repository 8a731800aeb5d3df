/** What is made of several runs. */

/** The value below which this part of the values lies; NaN of none. */
export const quantile = (values: ReadonlyArray<number>, part: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** The one in the middle, or the mean of the two there. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]!
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** One value of each run divided by that of another adapter in the same run. */
export const ratios = (values: ReadonlyArray<number>, by: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.slice(0, by.length).map((value, run) => value / by[run]!)

/** The k of cost ~ size^k, by least squares over the logarithms. */
export const exponent = (points: ReadonlyArray<readonly [size: number, cost: number]>): number => {
  const logs = points.map(([size, cost]) => [Math.log(size), Math.log(cost)] as const)
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / logs.length
  const meanY = logs.reduce((sum, [, y]) => sum + y, 0) / logs.length
  return (
    logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) /
    logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  )
}

/** A number with as many digits as say something. */
export const digits = (value: number): string =>
  !Number.isFinite(value)
    ? "–"
    : value === 0
      ? "0"
      : Math.abs(value) >= 100
        ? Math.round(value).toLocaleString("en")
        : value.toPrecision(3).replace(/\.?0+$/, "")

/** The median and, of more than one value, the smallest and the largest. */
export const spread = (values: ReadonlyArray<number>): string => {
  if (values.length === 0) return "–"
  const low = Math.min(...values)
  const high = Math.max(...values)
  return low === high ? digits(low) : `${digits(median(values))} (${digits(low)}–${digits(high)})`
}
