/** The completion scripts in the real shells. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { runCli } from "./support.ts"

const hasShell = (name: string): boolean => spawnSync(name, ["--version"]).status === 0

/** The script of a shell, in a file for one test. */
const scriptOf = (shell: string) =>
  Effect.gen(function* () {
    const { code, out } = yield* runCli(["completions", shell])
    assert.strictEqual(code, 0)
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-erpnet-completions-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    const path = join(folder, "_effect-erpnet")
    writeFileSync(path, out)
    return path
  })

const words = (text: string): ReadonlyArray<string> => text.trim().split(/\s+/)

const emulator = Effect.provide(ErpNetEmulator.layer())

describe("completions", () => {
  it.scoped.skipIf(!hasShell("bash"))("bash completes commands, options and values", () =>
    Effect.gen(function* () {
      const script = yield* scriptOf("bash")
      const complete = (...line: ReadonlyArray<string>) => {
        const [word = "", before = ""] = [...line].reverse()
        const quoted = line.map((part) => `'${part}'`).join(" ")
        const body = `source '${script}'; COMP_WORDS=(${quoted}); COMP_CWORD=${line.length - 1}
          _effect_erpnet effect-erpnet '${word}' '${before}'; echo "\${COMPREPLY[@]}"`
        return words(execFileSync("bash", ["-c", body], { encoding: "utf8" }))
      }
      assert.deepStrictEqual(complete("effect-erpnet", "de"), ["describe", "demo"])
      assert.deepStrictEqual(complete("effect-erpnet", "get", "--format", ""), ["json", "ndjson", "csv", "table"])
      assert.deepStrictEqual(complete("effect-erpnet", "get", "X", "--ou"), ["--output"])
      assert.deepStrictEqual(complete("effect-erpnet", "token", "--s"), ["--settings", "--show"])
      assert.includeMembers([...complete("effect-erpnet", "completions", "")], ["bash", "zsh", "fish"])
    }).pipe(emulator)
  )

  it.scoped.skipIf(!hasShell("fish"))("fish completes commands, options and values", () =>
    Effect.gen(function* () {
      const script = yield* scriptOf("fish")
      const complete = (line: string) =>
        execFileSync("fish", ["--no-config", "-c", `source '${script}'; complete -C '${line}'`], { encoding: "utf8" })
          .trim()
          .split("\n")
          .map((text) => text.replace(/\t.*/, ""))
          .sort()
      assert.deepStrictEqual(complete("effect-erpnet des"), ["describe"])
      assert.deepStrictEqual(complete("effect-erpnet get --format "), ["csv", "json", "ndjson", "table"])
      assert.deepStrictEqual(complete("effect-erpnet get X --ou"), ["--output"])
      assert.deepStrictEqual(complete("effect-erpnet completions "), ["bash", "fish", "zsh"])
    }).pipe(emulator)
  )
})
