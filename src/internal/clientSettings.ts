import * as Either from "effect/Either"
import { isWellFormed } from "./redaction.ts"
import * as SettingShape from "./settingShape.ts"

/** The setting of the configuration for each field of an application. */
export const names = {
  clientId: "ERPNET_CLIENT_ID",
  clientSecret: "ERPNET_CLIENT_SECRET",
  scope: "ERPNET_SCOPE",
  redirectUri: "ERPNET_REDIRECT_URI",
  postLogoutRedirectUri: "ERPNET_POST_LOGOUT_REDIRECT_URI"
}

/** Why a text cannot be the field; nothing where it can. */
export const textFault = (field: keyof typeof names, value: string): string | undefined => {
  if (value === "") return "is empty"
  if (value.trim() === "") return "is blank"
  if (value.trim() !== value) {
    return "has white space around it; remove it (a secret file often ends in a line break)"
  }
  if (/[\u0000-\u001F\u007F]/.test(value)) return "holds a control character"
  if (!isWellFormed(value)) return "is not well-formed Unicode text"
  return field === "clientSecret" ? SettingShape.secretFaultOf(value) : SettingShape.faultOf(value)
}

// RFC 6749 appendix A.4: a scope-token is one or more of %x21 / %x23-5B / %x5D-7E.
const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/** The scopes without duplicates, or what is wrong with them. */
export const parseScope = (scope: string | ReadonlyArray<string>): Either.Either<ReadonlyArray<string>, string> => {
  if (typeof scope === "string" && scope.trim() !== scope) {
    return Either.left("has white space around it; remove it")
  }
  if (typeof scope === "string") {
    const fault = SettingShape.scopeFaultOf(scope)
    if (fault !== undefined) return Either.left(fault)
  }
  const tokens = typeof scope === "string" ? (scope === "" ? [] : scope.split(/ +/)) : scope
  const bad = tokens.findIndex((token) => !scopeToken.test(token))
  return bad === -1
    ? Either.right([...new Set(tokens)])
    : Either.left(
        `does not follow the grammar of RFC 6749: entry ${bad + 1} is empty or holds a character that is not allowed ` +
          "(scopes are separated by single blanks and hold no quotes, backslashes or non-ASCII characters)"
      )
}
