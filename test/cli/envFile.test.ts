/** Env files: what a POSIX shell makes of the same lines, and what is told of the others. */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { FileSystem } from "@effect/platform"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { ErpNetEmulator } from "effect-erpnet/testing"
import { parseEnvFile } from "../../src/cli/envFile.ts"
import { runCli } from "./support.ts"

const value = (line: string): string | undefined => parseEnvFile(line).values.get("A")

describe("lines", () => {
  it.each([
    ["A=abc#123", "abc#123"],
    ["A=#abc", "#abc"],
    ["A=abc # note", "abc"],
    ["A=abc\t# note", "abc"],
    ["A= # note", ""],
    ["A=", ""],
    ["  export A=x", "x"],
    ["A='a # b'", "a # b"],
    ["A='a\\nb'", "a\\nb"],
    ['A="a\\"b"', 'a"b'],
    ['A="a\\nb"', "a\\nb"],
    ['A="a\\\\b"', "a\\b"],
    ["A='it'\\''s'", "it's"],
    ['A=a"b c"d', "ab cd"],
    ["A=a\\ b", "a b"],
    ["A=a=b==", "a=b=="],
    ['A="two\nlines"', "two\nlines"],
    ["A=1\nA=2", "2"],
    ["A=x\r\nB=y\r\n", "x"]
  ])("%j is %j, as in a shell", (line, expected) => {
    assert.strictEqual(value(line), expected)
    assert.deepStrictEqual(parseEnvFile(line).faults, [])
    const shell = execFileSync("sh", ["-c", `${line.replaceAll("\r", "")}\nprintf %s "$A"`], { encoding: "utf8" })
    assert.strictEqual(shell, expected)
  })

  it("a dollar sign stands for itself", () => {
    assert.strictEqual(value("A=p$HOME"), "p$HOME")
    assert.strictEqual(value('A="p$(x)\\$x"'), "p$(x)$x")
  })

  it("each line that is not NAME=value is told with its number, without its value", () => {
    const { faults } = parseEnvFile('# ok\n\nA = s3cret\nB=x\nC=s3 cret\nD="s3cret\n2X=s3cret\nE: s3cret')
    assert.deepStrictEqual(
      faults.map((fault) => /^line \d+/.exec(fault)?.[0]),
      ["line 3", "line 5", "line 6", "line 7", "line 8"]
    )
    assert.match(
      faults.join(),
      /C: a value with blanks needs quotation marks.*D: a double quotation mark is not closed/
    )
    assert.notInclude(faults.join(), "cret")
  })

  it.prop("a value in single quotation marks comes back whole", [FastCheck.string()], ([text]) => {
    const written = `A='${text.replaceAll("'", "'\\''")}'`
    assert.strictEqual(value(written), text.replace(/\r\n?/g, "\n"))
  })
})

describe("files", () => {
  const run = (bytes: Uint8Array) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const file = yield* fs.makeTempFileScoped()
      writeFileSync(file, bytes)
      return yield* runCli(["token", "--env-file", file], { settings: {} })
    }).pipe(Effect.provide(NodeFileSystem.layer), Effect.provide(ErpNetEmulator.layer()))
  const text = "ERPNET_CLIENT_SECRET=größe"

  it.scoped.each([
    ["Latin-1", Buffer.from(text, "latin1"), /is not UTF-8.*Windows-1252/],
    ["UTF-16 with a mark", Buffer.from(`\uFEFF${text}`, "utf16le"), /UTF-16/],
    ["UTF-16 without one", Buffer.from(text, "utf16le"), /UTF-16/],
    ["a bad line", Buffer.from(`${text}\noops`), /line 2 is not NAME=value/]
  ] as const)("%s is exit code 2", ([, bytes, expected]) =>
    Effect.gen(function* () {
      const { code, err } = yield* run(bytes)
      assert.strictEqual(code, 2)
      assert.match(err, expected)
      assert.notInclude(err, "gr")
    })
  )

  it.scoped("UTF-8 with a mark is read", () =>
    Effect.gen(function* () {
      const { err } = yield* run(Buffer.from(`\uFEFFERPNET_INSTANCE=testdb\n${text}`))
      assert.match(err, /^Error: ERPNET_CLIENT_ID is not set\. /)
    })
  )
})
