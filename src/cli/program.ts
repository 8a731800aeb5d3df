/** What a command line comes to: the types that parsing and running share. */
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import type * as Terminal from "@effect/platform/Terminal"
import type * as Effect from "effect/Effect"
import type { StandardInput } from "./standardInput.ts"

/** What the program needs from the outside. */
export type Environment = FileSystem.FileSystem | Path.Path | Terminal.Terminal | HttpClient.HttpClient | StandardInput

/** What a command does. */
export type Program = Effect.Effect<void, unknown, Environment>

/** The options of every command that reach beyond it. */
export interface Common {
  readonly logLevel?: string | undefined
  readonly verbose?: boolean | undefined
}

/** A text to print, or a command to load and run. */
export type Parsed =
  | { readonly _tag: "Print"; readonly out: string; readonly err: string; readonly code: number }
  | { readonly _tag: "Run"; readonly load: () => Promise<Program>; readonly options: Common; readonly isLocal: boolean }
