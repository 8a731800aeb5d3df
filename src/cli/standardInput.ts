/** What a person or a pipe writes to the program. */
import type * as PlatformError from "@effect/platform/Error"
import * as Terminal from "@effect/platform/Terminal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { UsageError } from "./output.ts"

export class StandardInput extends Context.Tag("effect-erpnet/cli/StandardInput")<
  StandardInput,
  { readonly isTerminal: boolean; readonly bytes: Stream.Stream<Uint8Array, PlatformError.PlatformError> }
>() {}

/** All of standard input as text. */
export const readText: Effect.Effect<string, PlatformError.PlatformError, StandardInput> = Effect.flatMap(
  StandardInput,
  ({ bytes }) => Stream.mkString(Stream.decodeText(bytes))
)

/** All of standard input as it comes. */
export const readBytes: Effect.Effect<Uint8Array, PlatformError.PlatformError, StandardInput> = Effect.flatMap(
  StandardInput,
  ({ bytes }) =>
    Effect.map(Stream.runCollect(bytes), (chunks) => Uint8Array.from([...chunks].flatMap((chunk) => [...chunk])))
)

/** Asks on the terminal, and shows nothing of what is typed. */
export const askHidden = (question: string): Effect.Effect<Redacted.Redacted, UsageError, Terminal.Terminal> =>
  Effect.gen(function* () {
    const terminal = yield* Terminal.Terminal
    yield* terminal.display(`${question}: `)
    const keys = yield* terminal.readInput
    const typed: Array<string> = []
    while (true) {
      const { input, key } = yield* keys.take
      if (key.name === "return" || key.name === "enter") break
      if (key.name === "backspace") typed.pop()
      else if (!key.ctrl && !key.meta) typed.push(...Option.getOrElse(input, () => ""))
    }
    yield* terminal.display("\n")
    return Redacted.make(typed.join(""))
  }).pipe(
    Effect.scoped,
    Effect.catchAll(() => new UsageError({ message: "No secret was given." }))
  )
