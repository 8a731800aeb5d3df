import { setTimeout as sleep } from "node:timers/promises"
import type { RawPage, ReadRows } from "../adapter.ts"
import { odataPath, pageSize, rowsSet, type Target } from "../protocol.ts"

/** Parses the JSON of an answer, which must be a 200. */
export const jsonOf = async (response: Response): Promise<unknown> => {
  if (response.status !== 200) {
    await response.text()
    throw new Error(`status ${response.status}`)
  }
  return response.json()
}

/** The pages one after the other, each used up before the next is asked for. */
export const rowsOf =
  (target: Target, get: (url: string) => Promise<unknown>): ReadRows =>
  async (consumer, pause) => {
    let rows = 0
    let url: string | undefined = `${target.origin}${odataPath}${rowsSet}?$top=${pageSize}`
    while (url !== undefined) {
      const page = (await get(url)) as RawPage
      rows += page.value.length
      if (consumer !== "fast") await sleep(pause)
      url = page["@odata.nextLink"]
    }
    return rows
  }
