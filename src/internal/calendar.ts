const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/
const timePattern = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,12})?)?$/
const zonePattern = /^(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

const daysIn = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31

/** Whether a text such as `2026-01-31` is a day of the calendar. `Date.parse` takes 30 February for 2 March. */
export const isDate = (text: string): boolean => {
  const [, year, month, day] = (datePattern.exec(text) ?? []).map(Number)
  return (
    year !== undefined &&
    month !== undefined &&
    day !== undefined &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysIn(year, month)
  )
}

/** Whether a text such as `08:30` or `08:30:00.5` is a time of day. */
export const isTimeOfDay = (text: string): boolean => timePattern.test(text)

/** Whether a text is a date, a date with a zone, or a date-time with or without one: what a filter may compare with. */
export const isMoment = (text: string): boolean => {
  const [, date = "", time, zone] = /^(.{10})(?:T([\d:.]+))?(Z|[+-].*)?$/.exec(text) ?? []
  const isZoneFit = zone === undefined || zone === "Z" || (time !== undefined && zonePattern.test(zone))
  return isDate(date) && (time === undefined || isTimeOfDay(time)) && isZoneFit
}
