import { assert, describe, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { isDate, isMoment, isTimeOfDay } from "../../src/internal/calendar.ts"

describe("calendar", () => {
  it("knows the days of every month and the leap years", () => {
    for (const text of ["2026-02-28", "2024-02-29", "2000-02-29", "2026-04-30", "2026-12-31", "0000-01-01"]) {
      assert.isTrue(isDate(text), text)
    }
    for (const text of [
      "2026-02-29",
      "2026-02-30",
      "1900-02-29",
      "2026-04-31",
      "2026-13-01",
      "2026-00-10",
      "2026-01-00"
    ]) {
      assert.isFalse(isDate(text), text)
    }
    for (const text of ["", "2026-1-1", "2026-01-01Z", "20260101", " 2026-01-01"]) assert.isFalse(isDate(text), text)
  })

  const day = FastCheck.date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })

  it.prop("every day that there is", [day], ([date]) => {
    assert.isTrue(isDate(date.toISOString().slice(0, 10)))
    assert.isTrue(isMoment(date.toISOString()))
  })

  it("knows the times of a day", () => {
    for (const text of ["00:00", "23:59:59", "08:30:00.1234567"]) assert.isTrue(isTimeOfDay(text), text)
    for (const text of ["24:00", "08:60", "08:30:60", "8:30", "08:30:00Z", "08:30:"])
      assert.isFalse(isTimeOfDay(text), text)
  })

  it("a moment is a date, with a zone or with a time", () => {
    for (const text of ["2026-01-31", "2026-01-31Z", "2026-01-31T08:30", "2026-01-31T08:30:00.5+02:00"]) {
      assert.isTrue(isMoment(text), text)
    }
    for (const text of [
      "2026-04-31T00:00:00Z",
      "2026-01-31T25:00:00Z",
      "2026-01-31T08:30+15:00",
      "2026-01-31+02:00",
      "2026-01-31T"
    ]) {
      assert.isFalse(isMoment(text), text)
    }
  })
})
