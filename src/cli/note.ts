/** Lines of our own on standard error, which a terminal does not break inside of a word. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { Screen } from "./screen.ts"
import { wrap } from "./style.ts"

/** Writes to standard error, in lines that fit the terminal; one line for each of the text where there is none. */
export const note = (text: string): Effect.Effect<void> =>
  Effect.flatMap(Screen, ({ columns }) => Console.error(columns === undefined ? text : wrap(text, columns)))
