/** Text that a person or a tool wrote: it is UTF-8, or it is refused with what it seems to be. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"

const startsWith = (bytes: Uint8Array, ...marks: ReadonlyArray<number>): boolean =>
  marks.every((mark, index) => bytes[index] === mark)

const isUtf16 = (bytes: Uint8Array): boolean =>
  startsWith(bytes, 0xff, 0xfe) ||
  startsWith(bytes, 0xfe, 0xff) ||
  // Without a mark every second byte of plain letters is zero.
  (bytes.length >= 2 && bytes.length % 2 === 0 && (bytes[0] === 0) !== (bytes[1] === 0))

/** The text without a byte order mark, or why it is none. */
export const decode = (bytes: Uint8Array): Either.Either<string, string> => {
  if (isUtf16(bytes)) return Either.left("is UTF-16, not UTF-8; save it as UTF-8")
  return Either.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => "is not UTF-8; it seems to be in an 8-bit code page such as Windows-1252 or Latin-1. Save it as UTF-8"
  })
}

/** The line break that an editor or echo adds is not part of a secret. */
export const withoutLineBreak = (text: string): string => text.replace(/\r?\n$/, "")

/** `node:fs` where the runtime has it: Node 20.16, Bun and Deno give it out this way, without an import. */
const fileSystem = (): unknown => {
  const runtime: unknown = Reflect.get(globalThis, "process")
  return Predicate.hasProperty(runtime, "getBuiltinModule") && Predicate.isFunction(runtime.getBuiltinModule)
    ? runtime.getBuiltinModule("fs")
    : undefined
}

const codeOf = (error: unknown): string =>
  Predicate.hasProperty(error, "code") && typeof error.code === "string" && /^[A-Z0-9_]{2,40}$/.test(error.code)
    ? ` (${error.code})`
    : ""

/** Reads a file whole and at once, as the reading of settings does; or says why not. */
export const readFile = (path: string): Either.Either<string, string> => {
  const fs = fileSystem()
  if (!Predicate.hasProperty(fs, "readFileSync") || !Predicate.isFunction(fs.readFileSync)) {
    return Either.left("cannot be read, since this runtime gives no access to files (Node 20.16 or later does)")
  }
  const read: (path: string) => unknown = fs.readFileSync.bind(fs)
  return Either.try({ try: () => read(path), catch: (error) => `cannot be read${codeOf(error)}` }).pipe(
    Either.flatMap((bytes) => (bytes instanceof Uint8Array ? decode(bytes) : Either.left("cannot be read")))
  )
}
