/** The limit: an undici Pool, a token that never changes, JSON.parse. */
import { Pool } from "undici"
import { callsOf, type MakeAdapter } from "../adapter.ts"
import { callPath, odataPath } from "../protocol.ts"
import { rowsOf } from "./fetchCall.ts"

export const make: MakeAdapter = async (target) => {
  const pool = new Pool(target.origin)
  const headers = { authorization: `Bearer ${target.staticToken}` }
  const get = async (path: string): Promise<unknown> => {
    const { body, statusCode } = await pool.request({ method: "GET", path, headers })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`status ${statusCode}`)
    return JSON.parse(text)
  }
  const call = async (): Promise<void> => {
    await get(`${odataPath}${callPath}`)
  }
  return { call, calls: callsOf(call), rows: rowsOf(target, (url) => get(url.slice(target.origin.length))) }
}
