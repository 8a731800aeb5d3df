/** A string between single quotes, with those inside doubled. */
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Percent-encodes everything that has a meaning in a query string, and the quote. */
export const encodeValue = (text: string): string =>
  encodeURIComponent(text).replace(/%(?:2C|2F|3A)|'/g, (part) => readable[part] ?? part)

/** What may stay readable in a query string, and the quote, which `encodeURIComponent` leaves as it is. */
const readable: Readonly<Record<string, string>> = { "%2C": ",", "%2F": "/", "%3A": ":", "'": "%27" }
