/** Where rows are written: the screen, or a file that is there whole or not at all. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { UsageError, withoutColours } from "./output.ts"
import { Screen } from "./screen.ts"

export interface Sink {
  readonly write: (text: string) => Effect.Effect<void, Error>
}

/** Runs with a sink that writes to standard output. */
export const toScreen = <A, E, R>(use: (sink: Sink) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Screen, ({ write }) => use({ write: (text) => (text === "" ? Effect.void : write(text)) }))

/** Runs with a sink beside the file; it takes the name of the file at the end, and goes where anything fails. */
export const toFile = <A, E, R>(
  file: string,
  use: (sink: Sink) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | Error, R | FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const target = path.resolve(file)
    const folder = path.dirname(target)
    const unwritable = (error: Error) =>
      new UsageError({ message: `The file of --output cannot be written: ${error.message}` })
    const scratch = yield* Effect.mapError(
      fs.makeTempDirectoryScoped({ directory: folder, prefix: `.${path.basename(target)}-` }),
      unwritable
    )
    const part = path.join(scratch, "part")
    const handle = yield* Effect.mapError(fs.open(part, { flag: "wx" }), unwritable)
    const encoder = new TextEncoder()
    const result = yield* use({
      write: (text) =>
        text === "" ? Effect.void : Effect.mapError(handle.writeAll(encoder.encode(withoutColours(text))), unwritable)
    })
    yield* Effect.mapError(Effect.zipRight(handle.sync, fs.rename(part, target)), unwritable)
    return result
  }).pipe(Effect.scoped)
