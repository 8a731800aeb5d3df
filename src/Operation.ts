/**
 * Actions and functions of the Domain API as values: a name, and the Schemas of what goes in and what comes out.
 *
 * @example
 * ```ts
 * import { DomainApi, type EntityId, Operation } from "effect-erpnet"
 * import { Schema } from "effect"
 *
 * const MakeVoid = Operation.action("MakeVoid", Schema.Struct({ reason: Schema.String }), Schema.Void)
 *
 * const GetVersion = Operation.function("GetVersion", Schema.Struct({}), Schema.Struct({ version: Schema.String }))
 *
 * export const version = DomainApi.call(GetVersion, {})
 * export const cancel = (order: EntityId.EntityId) => DomainApi.call(MakeVoid, { reason: "test" }, { on: order })
 * ```
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Reference } from "./ComplexType.ts"

/**
 * An operation that takes `Input` and gives `Output`: an action (POST, it may change data) or a function (GET, it only
 * reads). What comes back is the member `value` of the answer where it has one, else the answer itself; where `output`
 * is `Schema.Void` it is not looked at.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operation<
  Input,
  InputEncoded,
  Output,
  OutputEncoded,
  Kind extends "action" | "function" = "action" | "function"
> {
  readonly kind: Kind
  /** The name in the URL, without a namespace. */
  readonly name: string
  /** The parameters, by name, in the order in which they are sent. */
  readonly input: Schema.Schema<Input, InputEncoded>
  readonly output: Schema.Schema<Output, OutputEncoded>
}

/**
 * An action: POST, with its parameters as a JSON body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const action = <Input, InputEncoded extends object, Output, OutputEncoded>(
  name: string,
  input: Schema.Schema<Input, InputEncoded>,
  output: Schema.Schema<Output, OutputEncoded>
): Operation<Input, InputEncoded, Output, OutputEncoded, "action"> => ({ kind: "action", name, input, output })

const makeFunction = <
  Input,
  InputEncoded extends { readonly [Name in keyof InputEncoded]: string | number | boolean | null | undefined },
  Output,
  OutputEncoded
>(
  name: string,
  input: Schema.Schema<Input, InputEncoded>,
  output: Schema.Schema<Output, OutputEncoded>
): Operation<Input, InputEncoded, Output, OutputEncoded, "function"> => ({ kind: "function", name, input, output })

export {
  /**
   * A function: GET, with its parameters in the URL. They encode to texts, numbers, booleans or null.
   *
   * @category constructors
   * @since 0.1.0
   */
  makeFunction as function
}

/**
 * `ChangeState` of a document: the only way to change its state, for example to `Released`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const changeState: Operation<
  { readonly newState: string; readonly userStatus?: typeof Reference.Type | undefined },
  { readonly newState: string; readonly userStatus?: typeof Reference.Encoded | undefined },
  void,
  void,
  "action"
> = action(
  "ChangeState",
  Schema.Struct({ newState: Schema.String, userStatus: Schema.optional(Reference) }),
  Schema.Void
)
