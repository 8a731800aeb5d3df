/**
 * The pages of the identity server. They need no script.
 *
 * @since 0.2.0
 */
import * as Http from "./http.ts"

/** Text as it may stand in HTML, in an attribute too. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const style =
  "body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;padding:0 1rem;color:#1b1f24;" +
  "background:#fff}label{display:block;margin-top:1rem}input{font:inherit;width:100%;padding:.5rem;" +
  "box-sizing:border-box;border:1px solid #57606a;border-radius:.25rem}button{font:inherit;padding:.5rem 1rem;" +
  "margin:1.5rem .5rem 0 0}.error{color:#a40e26}"

/** A whole page; `body` is HTML. */
export const page = (
  status: number,
  title: string,
  body: string,
  headers: Readonly<Record<string, string>> = {}
): Http.WholeReply =>
  Http.text(
    status,
    {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store, no-cache, max-age=0",
      pragma: "no-cache",
      "referrer-policy": "no-referrer",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      "x-frame-options": "DENY",
      ...headers
    },
    '<!doctype html><html lang="en"><head><meta charset="utf-8">' +
      '<meta name="viewport" content="width=device-width, initial-scale=1">' +
      `<title>${escape(title)}</title><style>${style}</style></head><body><main><h1>${escape(title)}</h1>${body}` +
      "</main></body></html>"
  )

/** The page of a request that must not go back to the application. */
export const fault = (error: string, detail: string): Http.WholeReply =>
  page(400, "Error", `<p class="error"><code>${escape(error)}</code>: ${escape(detail)}</p>`)

const hidden = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join("")

/** A form that posts hidden fields, the visible ones in `body`, and one of the buttons. */
export const form = (
  action: string,
  fields: Readonly<Record<string, string>>,
  body: string,
  buttons: ReadonlyArray<readonly [value: string, text: string]>
): string =>
  `<form method="post" action="${escape(action)}">${hidden(fields)}${body}${buttons
    .map(
      // only the first button checks the fields
      ([value, text], index) =>
        `<button name="button" value="${escape(value)}"${index === 0 ? "" : " formnovalidate"}>${escape(text)}</button>`
    )
    .join("")}</form>`

/** Sends the browser on. */
export const redirect = (location: string, headers: Readonly<Record<string, string>> = {}): Http.WholeReply =>
  Http.empty(302, { location, "cache-control": "no-store, no-cache, max-age=0", pragma: "no-cache", ...headers })
