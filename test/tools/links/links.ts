/** The links of the README: relative while the project has no address, absolute on a package page. */

/** The part of package.json that says where the project is. */
export interface Manifest {
  readonly repository?: string | { readonly url: string } | undefined
}

/** The address of the files of the project, such as `https://github.com/owner/name/blob/main/`; none without one. */
export const filesAddress = ({ repository }: Manifest): string | undefined => {
  const text = typeof repository === "string" ? repository : repository?.url
  const short = /^(?:github:)?([\w.-]+\/[\w.-]+)$/.exec(text ?? "")?.[1]
  const url =
    short === undefined
      ? text?.replace(/^git\+/, "").replace(/^git@([^:]+):/, "https://$1/")
      : `https://github.com/${short}`
  return url === undefined ? undefined : `${url.replace(/\.git$|\/$/, "")}/blob/main/`
}

/** Fenced code, or a link with its target. */
const pattern = /^```[\s\S]*?^```|\]\(([^)\s]+)\)/gm

const mapLinks = (text: string, each: (link: string) => string): string =>
  text.replace(pattern, (whole, link?: string) => (link === undefined ? whole : `](${each(link)})`))

/** The same text with links to files of the project absolute; links within the page stay as they are. */
export const toAbsolute = (text: string, address: string): string =>
  mapLinks(text, (link) => (/^[a-z]+:|^#/.test(link) ? link : address + link.replace(/^\.\//, "")))

/** The same text with links to files of the project relative. */
export const toRelative = (text: string, address: string): string =>
  mapLinks(text, (link) => (link.startsWith(address) ? `./${link.slice(address.length)}` : link))
