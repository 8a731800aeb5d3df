import * as Option from "effect/Option"

/** Parses a JSON text; none where it is invalid. The message of the parser quotes the text, so it is dropped. */
export const parse: (text: string) => Option.Option<unknown> = Option.liftThrowable((text: string): unknown =>
  JSON.parse(text)
)
