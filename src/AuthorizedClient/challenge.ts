/** What the `Bearer` challenge of a 401 says (RFC 6750 section 3). */
export interface BearerChallenge {
  readonly error?: string | undefined
  readonly errorDescription?: string | undefined
}

interface Challenge {
  readonly scheme: string
  readonly parameters: Map<string, string>
}

const separators = /[\s,]*/y
const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const equals = /[ \t]*=[ \t]*/y
// Unterminated, it reaches to the end, be the last character a backslash: there is nothing to try again.
const quotedString = /"((?:[^"\\]|\\[\s\S])*)(?:"|\\?$)/y
// A token68, as Basic and Negotiate have it: only where a comma or the end follows, else it is a parameter.
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y

/**
 * Reads a `WWW-Authenticate` header (RFC 9110 section 11.6.1): any number of challenges, whose parameters are separated
 * by commas just as the challenges are. What is malformed is skipped.
 */
const parse = (header: string): ReadonlyArray<Challenge> => {
  let position = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(header)
    if (match !== null) position = pattern.lastIndex
    return match
  }
  const challenges: Array<Challenge> = []
  while (position < header.length) {
    take(separators)
    const name = take(token)?.[0]
    if (name === undefined) {
      // A stray quoted text is skipped whole, so that nothing inside it passes for a challenge.
      if (take(quotedString) === null) position += 1
      continue
    }
    const current = challenges.at(-1)
    const before = position
    if (current !== undefined && take(equals) !== null) {
      const quoted = take(quotedString)
      const value = quoted === null ? (take(token)?.[0] ?? "") : (quoted[1] ?? "").replace(/\\([\s\S])/g, "$1")
      const key = name.toLowerCase()
      if (!current.parameters.has(key)) current.parameters.set(key, value)
      continue
    }
    position = before
    challenges.push({ scheme: name.toLowerCase(), parameters: new Map() })
    take(token68)
  }
  return challenges
}

/** The Bearer challenge of a header, the one that names an error first; nothing where there is none. */
export const bearer = (header: string | undefined): BearerChallenge => {
  const challenges = parse(header ?? "").filter((challenge) => challenge.scheme === "bearer")
  const challenge = challenges.find((candidate) => candidate.parameters.has("error")) ?? challenges[0]
  return {
    error: challenge?.parameters.get("error"),
    errorDescription: challenge?.parameters.get("error_description")
  }
}

/** Tells whether the challenge says that the token has expired, in any of the wordings of ASP.NET Core. */
export const saysExpired = (challenge: BearerChallenge): boolean =>
  challenge.error === "invalid_token" && /\bexpired\b/i.test(challenge.errorDescription ?? "")
