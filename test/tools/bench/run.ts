/**
 * Measures the client beside its alternatives against one loopback server, and prints a Markdown table per question.
 *
 *   npm run bench -- [--question N]... [--runs N] [--quick] [--profile directory] [out.md]
 */
import { writeFile } from "node:fs/promises"
import { cpus, loadavg } from "node:os"
import { resolve } from "node:path"
import { parseArgs } from "node:util"
import { compile } from "./build.ts"
import { startServer } from "./processes.ts"
import { questions } from "./questions.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    question: { type: "string", multiple: true },
    runs: { type: "string" },
    quick: { type: "boolean", default: false },
    /** Where every client process writes a CPU profile. */
    profile: { type: "string" }
  }
})

const wanted = (values.question ?? Object.keys(questions)).flatMap((text) => text.split(",")).map(Number)
const unknown = wanted.find((number) => questions[number] === undefined)
if (unknown !== undefined) throw new Error(`there is no such question; there are ${Object.keys(questions).join(", ")}`)
const runs = Number(values.runs ?? (values.quick ? 2 : 5))
if (!Number.isInteger(runs) || runs < 1 || runs > 100) throw new Error("--runs takes a whole number from 1 to 100")

const load = (): string =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(", ")

const built = await compile()
const server = await startServer(built.directory)
const parts: Array<string> = []
const say = (text: string): void => {
  parts.push(text)
  console.log(`\n${text}`)
}
try {
  say(
    `Node ${process.versions.node}, ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), ${runs} runs${values.quick ? ", quick" : ""}, load at the start ${load()}. Medians with (least–most) of the runs; each adapter in a process of its own, interleaved; ratios are taken within a run.`
  )
  for (const number of wanted) {
    const question = questions[number]!
    const answer = await question
      .answer({
        built,
        server,
        runs,
        quick: values.quick,
        execArgv: values.profile === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", resolve(values.profile)]
      })
      .catch((error: unknown) => `No answer: ${String(error)}`)
    say(`## ${question.title}\n\n${answer}\n\nLoad then: ${load()}.`)
  }
} finally {
  await server.stop()
}
const [out] = positionals
if (out !== undefined) await writeFile(out, `${parts.join("\n\n")}\n`)
