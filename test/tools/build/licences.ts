import { readdir, readFile, writeFile } from "node:fs/promises"
import type { Metafile } from "esbuild"

const noticeOf = async (folder: string): Promise<string> => {
  const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"))
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
  if (file === undefined) throw new Error(`${name} has no licence file to put beside the bundle`)
  return `${name} ${version}\n\n${(await readFile(`${folder}/${file}`, "utf8")).trim()}\n`
}

/** Writes the licences of the packages that bundles contain. */
export const writeLicences = async (metafiles: ReadonlyArray<Metafile>, path: string): Promise<void> => {
  const folders = new Set(
    metafiles
      .flatMap(({ outputs }) => Object.values(outputs))
      .flatMap((output) => Object.keys(output.inputs))
      .flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/.@][^/]*/.exec(input) ?? [])
  )
  const notices = await Promise.all([...folders].sort().map(noticeOf))
  await writeFile(path, notices.join(`\n${"-".repeat(80)}\n\n`))
}
