import type { Model } from "./model.ts"
export const modelOfJson = (_json: ReadonlyArray<unknown>): Model => {
  throw new Error("todo")
}
