import * as Schema from "effect/Schema"

/** Makes a Schema at its first use, so that importing the module costs nothing to programs that never use it. */
export const lazySchema = <A, I>(make: () => Schema.Schema<A, I>): Schema.Schema<A, I> => {
  let made: Schema.Schema<A, I> | undefined
  return class extends Schema.make<A, I>(Schema.Never.ast) {
    static override get ast() {
      made ??= make()
      return made.ast
    }
  }
}
