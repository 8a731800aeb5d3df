import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"

// Duration.decode silently turns negative and NaN input into zero, so the input is checked first.
const isNonsense = (input: Duration.DurationInput): boolean => {
  if (typeof input === "number") return Number.isNaN(input) || input < 0
  if (typeof input === "bigint") return input < 0n
  if (typeof input === "string") return input.trim().startsWith("-")
  return Array.isArray(input) && input.some((part) => Number.isNaN(part) || part < 0)
}

/**
 * Reads an option that is a duration, in milliseconds. An invalid value is a mistake of the program: callers turn the
 * error into a defect.
 */
export const millis = (
  name: string,
  input: Duration.DurationInput,
  minimum: number = 0
): Either.Either<number, Cause.IllegalArgumentException> => {
  const refused = (what: string) =>
    Either.left(new Cause.IllegalArgumentException(`${name} ${what}; give a duration such as "30 seconds"`))
  if (isNonsense(input)) return refused("is negative or not a number")
  const decoded = Either.try(() => Duration.toMillis(Duration.decode(input)))
  if (Either.isLeft(decoded) || Number.isNaN(decoded.right)) return refused("is not a duration")
  return decoded.right < minimum ? refused("must be longer than zero") : Either.right(decoded.right)
}

/** Checks an option that counts something. Nonsense is a mistake of the program, so it is a defect. */
export const count = (name: string, value: number, mayBeInfinite = false): Effect.Effect<number> =>
  (Number.isInteger(value) && value > 0) || (mayBeInfinite && value === Number.POSITIVE_INFINITY)
    ? Effect.succeed(value)
    : Effect.die(new Cause.IllegalArgumentException(`${name} is ${value}; give a whole number greater than zero`))
