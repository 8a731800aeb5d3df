import * as Schema from "effect/Schema"

/** A Schema that is made when somebody first uses it: at the import it would cost those as well who never do. */
export const lazySchema = <A, I>(make: () => Schema.Schema<A, I>): Schema.Schema<A, I> => {
  let made: Schema.Schema<A, I> | undefined
  return class extends Schema.make<A, I>(Schema.Never.ast) {
    static override get ast() {
      made ??= make()
      return made.ast
    }
  }
}
