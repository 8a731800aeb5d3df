import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import { pipeArguments } from "effect/Pipeable"
import * as Schema from "effect/Schema"

export const ErrorTypeId = "~effect-erpnet/ErpNetError"

type Fields = Schema.Struct.Fields

/** A class of errors that is also the Schema of them. */
export interface TaggedErrorClass<Self, Tag extends string, F extends Fields>
  extends Schema.Schema<Self, { readonly _tag: Tag } & Schema.Struct.Encoded<F>> {
  new (
    fields: Schema.Struct.Type<F>
  ): Cause.YieldableError & {
    readonly _tag: Tag
    readonly [ErrorTypeId]: typeof ErrorTypeId
    /** A copy with other fields. */
    readonly with: (fields: Partial<Schema.Struct.Type<F>>) => Self
  } & Schema.Struct.Type<F>
  readonly fields: () => F
}

/** What the Schema of a class is made of. */
interface Parts {
  new (fields: Readonly<Record<string, unknown>>): object
  readonly tag: string
  readonly fields: () => Fields
}

const schemas = new WeakMap<Parts, Schema.Schema.AnyNoContext>()

const schemaOf = (self: Parts): Schema.Schema.AnyNoContext => {
  const known = schemas.get(self)
  if (known !== undefined) return known
  const made = Schema.transform(
    Schema.Struct({ _tag: Schema.Literal(self.tag), ...self.fields() }),
    Schema.declare((u): u is object => u instanceof self, { identifier: self.tag }),
    { strict: false, decode: (fields) => new self(fields), encode: (error) => error }
  )
  schemas.set(self, made)
  return made
}

/**
 * Makes a class of tagged errors. Unlike `Schema.TaggedError` it builds the Schema at its first use, and does
 * not validate what the compiler has checked: most programs need the Schema of no error, and this package makes
 * many errors in little time when an API goes down. The fields come as a function so that a bundler can drop the class.
 */
export const taggedError =
  <Self>() =>
  <const Tag extends string, F extends Fields>(tag: Tag, fields: () => F): TaggedErrorClass<Self, Tag, F> => {
    // biome-ignore-start lint/complexity: `this` may be a class derived from this one, and a pipe passes its arguments on
    class TaggedError extends Data.TaggedError(tag)<Readonly<Record<string, unknown>>> {
      // Not a field, so that it does not appear in JSON or on the screen.
      get [ErrorTypeId](): typeof ErrorTypeId {
        return ErrorTypeId
      }
      with(fields: Readonly<Record<string, unknown>>): object {
        const Class = Object.getPrototypeOf(this).constructor
        // The cause of an Error is not enumerable, so spreading leaves it out.
        return new Class({ ...this, ...(this.cause === undefined ? {} : { cause: this.cause }), ...fields })
      }
      static readonly tag = tag
      static readonly fields = fields
      static readonly [Schema.TypeId] = Schema.Unknown[Schema.TypeId]
      static get ast() {
        return schemaOf(this).ast
      }
      static annotations(annotations: Schema.Annotations.GenericSchema<unknown>) {
        return schemaOf(this).annotations(annotations)
      }
      static pipe() {
        return pipeArguments(this, arguments)
      }
    }
    // biome-ignore-end lint/complexity: see above
    // The compiler does not see that the static members make it a Schema of its own instances.
    return TaggedError as never
  }
