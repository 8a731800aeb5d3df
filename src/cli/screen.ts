/** Where results go: a terminal with a size, or a file or pipe that has none. */
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface Size {
  /** Not set where standard output is no terminal. */
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

/** Standard output, and what is known of the terminal. */
export class Screen extends Context.Reference<Screen>()("effect-erpnet/cli/Screen", {
  defaultValue: (): Size & {
    /** Writes a text as it is, and waits until the reader has taken what is too much to keep. */
    readonly write: (text: string) => Effect.Effect<void>
    /** Shows a text that is longer than the screen; false where there is no pager. */
    readonly page: (text: string) => Effect.Effect<boolean>
    /** Writes to standard error in place of what was written so last; not set where it is no terminal. */
    readonly progress?: ((line: string) => Effect.Effect<void>) | undefined
  } => ({
    write: (text) => Console.log(text.replace(/\n$/, "")),
    page: () => Effect.succeed(false)
  })
}) {}

/** Prints a text of whole lines, in a pager where it is longer than the screen. */
export const show = (text: string, pager = true): Effect.Effect<void> =>
  Effect.flatMap(Screen, ({ page, rows }) =>
    pager && rows !== undefined && text.split("\n").length >= rows
      ? Effect.flatMap(page(text), (paged) => (paged ? Effect.void : Console.log(text)))
      : Console.log(text)
  )
