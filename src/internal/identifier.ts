/** One OData identifier, as a part of a pattern with the flag `u`. */
export const identifierSource = String.raw`[\p{L}_][\p{L}\p{N}_]*`

const identifier = new RegExp(`^${identifierSource}$`, "u")
const path = new RegExp(`^${identifierSource}(?:/${identifierSource})*$`, "u")

/** Whether a text is an OData identifier: the name of an entity set, a field or a parameter. */
export const isIdentifier = (text: string): boolean => identifier.test(text)

/** Whether a text is a path of identifiers, such as `Party/PartyName`. Anything else could leave its place in a URL. */
export const isPath = (text: string): boolean => path.test(text)
