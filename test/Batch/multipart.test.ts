/** Multipart text, written and read. */
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck } from "effect"
import * as Multipart from "../../src/Batch/multipart.ts"

const type = (boundary: string) => `multipart/mixed; boundary=${boundary}`

const name = FastCheck.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/).filter((text) => text !== "__proto__")
const value = FastCheck.stringMatching(/^[!-~]([ -~]{0,12}[!-~])?$/)
const body = FastCheck.oneof(
  FastCheck.string({ maxLength: 40 }),
  FastCheck.array(FastCheck.constantFrom("\r", "\n", "--", "batch_1", "batch_2", "a", ":", " ", "HTTP/1.1 200 OK"), {
    maxLength: 20
  }).map((pieces) => pieces.join(""))
)
const part: FastCheck.Arbitrary<Multipart.Part> = FastCheck.record({
  headers: FastCheck.dictionary(name, value, { maxKeys: 3 }).map((headers) =>
    Object.fromEntries(Object.entries(headers).map(([key, text]) => [key.toLowerCase(), text]))
  ),
  body
})
const parts = FastCheck.array(part, { maxLength: 5 })

const plain = (given: ReadonlyArray<Multipart.Part>) =>
  given.map(({ body, headers }) => ({ body, headers: Object.entries(headers).sort() }))

const http = (status: number, text: string) =>
  ["Content-Type: application/http", "", `HTTP/1.1 ${status} OK`, "Content-Type: application/json", "", text].join(
    "\r\n"
  )

describe("multipart", () => {
  it("is written with CRLF, part by part", () => {
    assert.strictEqual(
      Multipart.write("b", [
        { headers: { "Content-Type": "application/http" }, body: "GET X HTTP/1.1\r\n\r\n" },
        { headers: {}, body: "" }
      ]),
      "--b\r\nContent-Type: application/http\r\n\r\nGET X HTTP/1.1\r\n\r\n\r\n--b\r\n\r\n\r\n--b--\r\n"
    )
  })

  it("comes back as it was written, whatever the bodies hold", () => {
    void FastCheck.assert(
      FastCheck.property(parts, (given) => {
        const boundary = Multipart.boundaryFor("batch", given)
        const back = Multipart.read(type(boundary), Multipart.write(boundary, given))
        assert.deepStrictEqual(plain(Either.getOrThrow(back)), plain(given))
      }),
      { numRuns: 500 }
    )
  })

  it("takes no boundary that occurs in a body", () => {
    assert.strictEqual(
      Multipart.boundaryFor("batch", [
        { headers: {}, body: "--batch_1" },
        { headers: {}, body: "xbatch_2x" }
      ]),
      "batch_3"
    )
  })

  it("reads LF alone, a quoted boundary and other parameters", () => {
    const text = `--b c\n${http(200, "{}").replaceAll("\r", "")}\n--b c--\n`
    const [only] = Either.getOrThrow(Multipart.read('Multipart/Mixed; charset=utf-8; boundary="b c"', text))
    const answer = Either.getOrThrow(Multipart.readHttp(only!))
    assert.deepStrictEqual(
      [answer.status, answer.headers["content-type"], answer.body],
      [200, "application/json", "{}"]
    )
  })

  it("reads a response without headers and without a body", () => {
    const read = (text: string) =>
      Either.getOrThrow(Multipart.readHttp({ headers: { "content-type": "application/http" }, body: text }))
    assert.strictEqual(read("HTTP/1.1 204 No Content").status, 204)
    assert.strictEqual(read("HTTP/1.1 204 No Content\r\n\r\n").status, 204)
    assert.deepStrictEqual(read("HTTP/1.1 204 No Content\r\nOData-Version: 4.0").headers, { "odata-version": "4.0" })
  })

  const whole = Multipart.write("b", [
    { headers: { a: "1" }, body: "one" },
    { headers: { a: "2" }, body: "two" }
  ])

  it.each([
    ["no content type", undefined, whole],
    ["another content type", "application/json; boundary=b", whole],
    ["no boundary", "multipart/mixed", whole],
    ["another boundary", type("c"), whole],
    ["a boundary that is the begin of the true one", type("b"), whole.replaceAll("--b", "--bc")],
    ["no closing boundary", type("b"), whole.slice(0, whole.lastIndexOf("--b"))],
    ["text before", type("b"), `x\r\n${whole}`],
    ["text after", type("b"), `${whole}x`],
    ["a part after the closing boundary", type("b"), whole + whole],
    ["a part without an empty line", type("b"), "--b\r\na: 1\r\n--b--\r\n"],
    ["a part whose header is none", type("b"), "--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n"],
    ["nothing", type("b"), ""]
  ])("refuses %s", (_, contentType, text) => {
    assert.isTrue(Either.isLeft(Multipart.read(contentType, text)))
  })

  it.each([
    ["another type of part", { headers: { "content-type": "text/plain" }, body: "HTTP/1.1 200 OK\r\n\r\n" }],
    ["no type of part", { headers: {}, body: "HTTP/1.1 200 OK\r\n\r\n" }],
    ["no status line", { headers: { "content-type": "application/http" }, body: "{}" }],
    ["a status that is none", { headers: { "content-type": "application/http" }, body: "HTTP/1.1 20 OK\r\n\r\n" }],
    [
      "headers that are none",
      { headers: { "content-type": "application/http" }, body: "HTTP/1.1 200 OK\r\n{}\r\n\r\n" }
    ]
  ])("refuses %s for a response", (_, given) => {
    assert.isTrue(Either.isLeft(Multipart.readHttp(given)))
  })

  it("a text that is cut off anywhere before its end is refused", () => {
    const end = whole.lastIndexOf("--") + 2
    for (let length = 0; length < end; length++) {
      assert.isTrue(Either.isLeft(Multipart.read(type("b"), whole.slice(0, length))), `${length}`)
    }
    assert.isTrue(Either.isRight(Multipart.read(type("b"), whole.slice(0, end))))
  })

  it("never throws, whatever comes", () => {
    const piece = FastCheck.constantFrom(
      "--b",
      "--",
      "\r\n",
      "\n",
      "\r",
      "\r\n\r\n",
      "a: b",
      ":",
      "HTTP/1.1 200 OK",
      "x",
      " "
    )
    const noise = FastCheck.array(FastCheck.oneof(piece, FastCheck.string({ maxLength: 5 })), { maxLength: 25 })
    void FastCheck.assert(
      FastCheck.property(
        noise,
        FastCheck.oneof(FastCheck.string(), FastCheck.constant(type("b"))),
        (pieces, header) => {
          const text = pieces.join("")
          for (const contentType of [header, type("b")]) {
            const read = Multipart.read(contentType, text)
            if (Either.isRight(read)) for (const one of read.right) Multipart.readHttp(one)
          }
          Multipart.readHttp({ headers: { "content-type": "application/http" }, body: text })
        }
      ),
      { numRuns: 1_000 }
    )
  })
})
