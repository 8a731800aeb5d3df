import * as Option from "effect/Option"

/** What a JSON text holds; nothing where it is none. The words of the parser quote the text, so they are dropped. */
export const parse: (text: string) => Option.Option<unknown> = Option.liftThrowable((text: string): unknown =>
  JSON.parse(text)
)
