import * as Either from "effect/Either"
import * as LosslessJson from "./losslessJson.ts"

/** Why a body could not be read. */
export const notJson = "the body is not JSON (was it cut off, or is it a page of a proxy?)"

const withoutMark = (text: string): string => (text.startsWith("\uFEFF") ? text.slice(1) : text)

/** The JSON of an answer's body, or why there is none; with `lossless` no number loses a digit. */
export const parse = (text: string, lossless: boolean): Either.Either<unknown, string> =>
  lossless
    ? Either.mapLeft(LosslessJson.parse(withoutMark(text)), () => notJson)
    : Either.try({ try: (): unknown => JSON.parse(withoutMark(text)), catch: () => notJson })

/** The text of an answer's body, without a byte order mark and white space around it. */
export const plain = (text: string): string => withoutMark(text).trim()
