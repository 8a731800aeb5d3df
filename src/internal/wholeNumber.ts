import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/** Checks an option that counts something. An invalid value is a mistake of the program, so it is a defect. */
export const positive = (name: string, value: number, mayBeInfinite = false): Effect.Effect<number> =>
  (Number.isInteger(value) && value > 0) || (mayBeInfinite && value === Number.POSITIVE_INFINITY)
    ? Effect.succeed(value)
    : Effect.die(new Cause.IllegalArgumentException(`${name} is ${value}; give a whole number greater than zero`))
