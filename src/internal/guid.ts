/** A guid as a part of a pattern, in small letters. */
export const guidSource = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

const guidPattern = new RegExp(`^${guidSource}$`, "i")

/** Tells whether a text is a guid, in any case. */
export const isGuid = (text: string): boolean => guidPattern.test(text)
