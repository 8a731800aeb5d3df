/** Colours, and the exit codes of the program. */

const escapes = /\u001B\[[0-9;]*m/g

/** The text without colours. */
export const withoutColours = (text: string): string => text.replace(escapes, "")

const style =
  (code: number) =>
  (text: string): string =>
    `\u001B[${code}m${text}\u001B[0m`

export const bold: (text: string) => string = style(1)
export const dim: (text: string) => string = style(2)
export const red: (text: string) => string = style(31)
export const green: (text: string) => string = style(32)
export const yellow: (text: string) => string = style(33)
export const blue: (text: string) => string = style(34)
export const magenta: (text: string) => string = style(35)
export const cyan: (text: string) => string = style(36)

/** The exit codes of the program. */
export const ExitCode = { done: 0, failed: 1, usage: 2 } as const

/** The text in lines of at most so many columns; a word that is longer stays whole. */
export const wrap = (text: string, columns: number): string =>
  text
    .split("\n")
    .flatMap((line) => {
      const lines: Array<string> = []
      for (const word of line.split(" ")) {
        const last = lines.at(-1)
        const longer = last === undefined ? word : `${last} ${word}`
        if (last === undefined || withoutColours(longer).length > columns) lines.push(word)
        else lines[lines.length - 1] = longer
      }
      return lines
    })
    .join("\n")
