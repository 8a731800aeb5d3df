/**
 * Reads a file of NAME=value lines as a POSIX shell would, but for one thing: a dollar sign stands for itself. What is
 * no such line is told with its number; a value is never made shorter without a word.
 */

export interface EnvFile {
  readonly values: ReadonlyMap<string, string>
  /** What is wrong, each with its line; no values. */
  readonly faults: ReadonlyArray<string>
}

const assignment = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=/

/** One value that begins at `start`: where it ends, or what is wrong with it. */
const readValue = (text: string, start: number): { readonly value: string; readonly end: number } | string => {
  let value = ""
  let at = start
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === "\n" || char === " " || char === "\t") break
    if (char === "'") {
      const close = text.indexOf("'", at + 1)
      if (close === -1) return "a single quotation mark is not closed"
      value += text.slice(at + 1, close)
      at = close + 1
    } else if (char === '"') {
      at += 1
      while (at < text.length && text.charAt(at) !== '"') {
        const next = text.charAt(at + 1)
        const isEscape = text.charAt(at) === "\\" && /[$`"\\\n]/.test(next)
        value += isEscape ? (next === "\n" ? "" : next) : text.charAt(at)
        at += isEscape ? 2 : 1
      }
      if (at >= text.length) return "a double quotation mark is not closed"
      at += 1
    } else if (char === "\\" && at + 1 < text.length) {
      const next = text.charAt(at + 1)
      value += next === "\n" ? "" : next
      at += 2
    } else {
      value += char
      at += 1
    }
  }
  return { value, end: at }
}

const lineEnd = (text: string, at: number): number => {
  const end = text.indexOf("\n", at)
  return end === -1 ? text.length : end
}

export const parseEnvFile = (source: string): EnvFile => {
  const text = source.replace(/\r\n?/g, "\n")
  const values = new Map<string, string>()
  const faults: Array<string> = []
  let at = 0
  while (at < text.length) {
    const line = text.slice(0, at).split("\n").length
    const end = lineEnd(text, at)
    const written = text.slice(at, end)
    const match = assignment.exec(written)
    if (/^[ \t]*(?:#.*)?$/.test(written)) {
      at = end + 1
    } else if (match === null) {
      faults.push(`line ${line} is not NAME=value (no blanks around =)`)
      at = end + 1
    } else {
      const name = match[1] ?? ""
      const read = readValue(text, at + match[0].length)
      const rest = typeof read === "string" ? "" : text.slice(read.end, lineEnd(text, read.end))
      if (typeof read === "string") faults.push(`line ${line}, ${name}: ${read}`)
      else if (/^[ \t]*(?:[ \t]#.*)?$/.test(rest)) values.set(name, read.value)
      else faults.push(`line ${line}, ${name}: a value with blanks needs quotation marks`)
      at = (typeof read === "string" ? end : lineEnd(text, read.end)) + 1
    }
  }
  return { values, faults }
}
