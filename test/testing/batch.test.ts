import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import type { DomainReply } from "../../src/testing/model/types.ts"
import { at, listAt, serviceRoot, textAt } from "./domainFixture.ts"
import { demo, issueToken, layer, send } from "./support.ts"
import { Client, linesOf, link, orderBody, productBody } from "./writeFixture.ts"

const customers = "Crm_Sales_Customers"
const products = "General_Products_Products"

interface Operation {
  readonly method: string
  readonly url: string
  readonly body?: unknown
  readonly id?: string
  readonly headers?: Readonly<Record<string, string>>
}

const part = ({ body, headers = {}, id, method, url }: Operation): string =>
  [
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    ...(id === undefined ? [] : [`Content-ID: ${id}`]),
    "",
    `${method} ${url} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ["Content-Type: application/json"]),
    "",
    body === undefined ? "" : JSON.stringify(body)
  ].join("\r\n")

const multipart = (boundary: string, parts: ReadonlyArray<string>): string =>
  `${parts.map((text) => `--${boundary}\r\n${text}\r\n`).join("")}--${boundary}--\r\n`

const changeset = (...operations: ReadonlyArray<Operation>): string =>
  `Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n${multipart("changeset_1", operations.map(part))}`

const headers = { "content-type": "multipart/mixed; boundary=batch_x" }

const sendBatch = (
  client: Client,
  parts: ReadonlyArray<string>,
  more: Readonly<Record<string, string>> = {}
): DomainReply => client.send("POST", "$batch", multipart("batch_x", parts), { ...headers, ...more })

interface Answer {
  readonly status: number
  readonly reason: string
  readonly contentId: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const boundaryOf = (contentType: string | undefined, prefix: string): string => {
  const boundary = new RegExp(`^multipart/mixed; boundary=(${prefix}_[0-9a-f-]{36})$`).exec(contentType ?? "")?.[1]
  assert(boundary !== undefined, `no ${prefix} in ${contentType}`)
  return boundary
}

/** Splits strictly: CRLF everywhere, nothing before, nothing after. */
const split = (text: string, boundary: string): ReadonlyArray<string> => {
  const parts = text.split(`--${boundary}`)
  assert.strictEqual(parts[0], "")
  assert.strictEqual(parts.at(-1), "--\r\n")
  return parts.slice(1, -1).map((inner) => {
    assert.match(inner, /^\r\n[\s\S]*\r\n$/)
    return inner.slice(2, -2)
  })
}

const headerLines = (text: string): readonly [headers: Record<string, string>, rest: string] => {
  const end = text.indexOf("\r\n\r\n")
  assert.isAtLeast(end, 0)
  return [
    Object.fromEntries(
      text
        .slice(0, end)
        .split("\r\n")
        .map((line) => {
          const [name = "", value = ""] = line.split(": ")
          return [name, value]
        })
    ),
    text.slice(end + 4)
  ]
}

const readPart = (text: string): Answer => {
  const [outer, rest] = headerLines(text)
  assert.strictEqual(outer["Content-Type"], "application/http")
  assert.strictEqual(outer["Content-Transfer-Encoding"], "binary")
  const [, status = "", reason = "", inner = ""] = /^HTTP\/1\.1 (\d{3}) ([^\r\n]*)\r\n([\s\S]*)$/.exec(rest) ?? []
  const [names, body] = headerLines(inner)
  return { status: Number(status), reason, contentId: outer["Content-ID"], headers: names, text: body }
}

type Item = Answer | ReadonlyArray<Answer>

const readAnswer = (reply: DomainReply): ReadonlyArray<Item> => {
  assert.strictEqual(reply.status, 200, reply.body)
  return split(reply.body, boundaryOf(reply.headers["content-type"], "batchresponse")).map((text) => {
    if (!text.startsWith("Content-Type: multipart/mixed")) return readPart(text)
    const [outer, inner] = headerLines(text)
    return split(inner, boundaryOf(outer["Content-Type"], "changesetresponse")).map(readPart)
  })
}

const isSet = (item: Item | undefined): item is ReadonlyArray<Answer> => Array.isArray(item)

const single = (item: Item | undefined): Answer => {
  assert(item !== undefined && !isSet(item))
  return item
}

const set = (item: Item | undefined): ReadonlyArray<Answer> => {
  assert(isSet(item))
  return item
}

describe("$batch", () => {
  it("answers every request in its place", () => {
    const client = new Client()
    const answers = readAnswer(
      sendBatch(client, [
        part({ method: "GET", url: `${products}?$top=2&$select=PartNumber` }),
        part({ method: "GET", url: `${products}/$count`, id: "n" }),
        part({ method: "GET", url: "Nothing" }),
        part({ method: "GET", url: `/api/domain/odata/${client.first(customers)}` }),
        part({ method: "GET", url: `${serviceRoot}GetVersion` })
      ])
    ).map(single)
    assert.deepStrictEqual(
      answers.map((answer) => [answer.status, answer.reason]),
      [
        [200, "OK"],
        [200, "OK"],
        [500, "Internal Server Error"],
        [200, "OK"],
        [200, "OK"]
      ]
    )
    const direct = client.send("GET", `${products}?$top=2&$select=PartNumber`)
    assert.strictEqual(answers[0]?.text, direct.body)
    assert.deepStrictEqual(answers[0]?.headers, {
      "Content-Type": String(direct.headers["content-type"]),
      "OData-Version": "4.0"
    })
    assert.deepStrictEqual([answers[1]?.contentId, answers[1]?.text], ["n", "8"])
    assert.match(answers[2]?.text ?? "", /^\{"error":\{"message":/)
  })

  it("runs a changeset, whose operations may refer to one another", () => {
    const client = new Client()
    const product = client.first(products)
    const [answers, after] = readAnswer(
      sendBatch(client, [
        changeset(
          {
            id: "1",
            method: "POST",
            url: "General_Products_ProductGroups",
            body: { Code: "LMP", Name: { EN: "Lamps" } }
          },
          {
            id: "2",
            method: "POST",
            url: products,
            body: productBody({ ProductGroup: link("$1"), MeasurementUnit: { Code: "PCS" } })
          },
          { id: "3", method: "PATCH", url: "$2", body: { ABCClass: "A" } },
          { id: "4", method: "POST", url: "$2/Prices", body: { Price: { Value: 9, Currency: "EUR" } } },
          { id: "5", method: "PATCH", url: product, body: { "ProductGroup@odata.bind": "$1" } },
          { id: "6", method: "PATCH", url: "$5", body: { ABCClass: "C" } }
        ),
        part({ method: "GET", url: "$2?$expand=ProductGroup,Prices" })
      ])
    )
    assert.deepStrictEqual(
      set(answers).map((answer) => [answer.contentId, answer.status, answer.reason]),
      [
        ["1", 201, "Created"],
        ["2", 201, "Created"],
        ["3", 204, "No Content"],
        ["4", 201, "Created"],
        ["5", 204, "No Content"],
        ["6", 204, "No Content"]
      ]
    )
    const created = JSON.parse(set(answers)[1]?.text ?? "")
    assert.strictEqual(set(answers)[1]?.headers["Location"], `${serviceRoot}${created["@odata.id"]}`)
    const read = JSON.parse(single(after).text)
    assert.strictEqual(read["@odata.id"], created["@odata.id"])
    assert.strictEqual(textAt(read, "ProductGroup", "Code"), "LMP")
    assert.strictEqual(read["ABCClass"], "A")
    assert.deepStrictEqual(at(read, "Prices", 0, "Price"), { Value: 9, Currency: "EUR" })
    assert.strictEqual(textAt(client.get(`${product}?$expand=ProductGroup`), "ProductGroup", "Code"), "LMP")
    assert.strictEqual(client.value(product, "ABCClass"), "C")
  })

  it("counts a changeset as one change of an aggregate", () => {
    const client = new Client()
    const id = client.first(customers)
    const version = Number(client.value(id, "ObjectVersion"))
    const patch = (GracePeriodDays: number) => ({ method: "PATCH", url: id, body: { GracePeriodDays } })
    sendBatch(client, [changeset({ ...patch(81), id: "1" }, { ...patch(82), id: "2" })])
    assert.strictEqual(client.value(id, "ObjectVersion"), version + 1)
  })

  const failing = (client: Client) =>
    changeset(
      { id: "1", method: "POST", url: products, body: productBody() },
      { id: "2", method: "PATCH", url: client.first(customers), body: { GracePeriodDays: 81 } },
      { id: "3", method: "POST", url: products, body: productBody() },
      { id: "4", method: "POST", url: products, body: productBody({ PartNumber: "NEW-4" }) }
    )

  it("answers a failing changeset with the failed operation alone, and leaves nothing of it", () => {
    const client = new Client()
    const before = client.dump()
    const [first, second] = readAnswer(
      sendBatch(client, [failing(client), part({ method: "GET", url: `${products}/$count` })])
    )
    assert.strictEqual(set(first).length, 1)
    assert.deepInclude(set(first)[0], { contentId: "3", status: 500, reason: "Internal Server Error" })
    assert.strictEqual(at(JSON.parse(set(first)[0]?.text ?? ""), "error", "code"), 2129)
    assert.strictEqual(single(second).text, "8")
    assert.strictEqual(client.dump(), before)
  })

  it("answers it in place of the changeset where OData is followed", () => {
    const client = new Client({ failedChangeset: "single" })
    assert.deepInclude(single(readAnswer(sendBatch(client, [failing(client)]))[0]), { contentId: "3", status: 500 })
  })

  it("leaves nothing of any changeset that fails", () => {
    const client = new Client({ customers: 3, products: 3, salesOrders: 3 })
    const before = client.dump()
    const urls = FastCheck.constantFrom(
      ...client.ids(customers),
      ...client.ids(products),
      products,
      customers,
      "$1",
      "$2"
    )
    const operation = FastCheck.record({
      method: FastCheck.constantFrom("POST", "PATCH", "DELETE"),
      url: urls,
      body: FastCheck.oneof(
        FastCheck.constant(productBody()),
        FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue())
      )
    })
    const last = { id: "last", method: "PATCH", url: client.first(customers), body: { Party: null } }
    void FastCheck.assert(
      FastCheck.property(FastCheck.array(operation, { maxLength: 6 }), (operations) => {
        const numbered = operations.map((one, index) => ({ ...one, id: String(index + 1) }))
        const [answer] = readAnswer(sendBatch(client, [changeset(...numbered, last)]))
        assert.strictEqual(set(answer).length, 1)
        assert.isAtLeast(set(answer)[0]?.status ?? 0, 400)
        assert.strictEqual(client.dump(), before)
      }),
      { numRuns: 60 }
    )
  })

  it("executes each write outside a changeset for itself", () => {
    const client = new Client()
    const answers = readAnswer(
      sendBatch(client, [
        part({ method: "POST", url: products, body: productBody(), id: "a" }),
        part({ method: "POST", url: products, body: productBody() }),
        part({ method: "DELETE", url: "$a" })
      ])
    )
    assert.deepStrictEqual(
      answers.map((answer) => single(answer).status),
      [201, 500, 204]
    )
    assert.strictEqual(client.ids(products).length, 8)
  })

  it("works in a transaction", () => {
    const client = new Client()
    const id = client.call("BeginTransaction", { model: "frontend", trackChanges: true })
    const order = { id: "1", method: "POST", url: "Crm_Sales_SalesOrders", body: orderBody(client) }
    const notes = { id: "2", method: "PATCH", url: "$1", body: { DocumentNotes: "x" } }
    const count = part({ method: "GET", url: "Crm_Sales_SalesOrders/$count" })
    const before = client.dump()
    const inside = { transactionid: id }
    const [answers, counted] = readAnswer(sendBatch(client, [changeset(order, notes), count], inside))
    const created = textAt(JSON.parse(set(answers)[0]?.text ?? ""), "@odata.id")
    assert.strictEqual(single(counted).text, "11")
    const failed = changeset(notes, { ...order, body: { Nonsense: 1 } })
    assert.strictEqual(set(readAnswer(sendBatch(client, [failed], inside))[0]).length, 1)
    assert.strictEqual(client.dump(), before)
    const changes = client.with({ headers: inside }).get("GetChanges")
    assert.deepStrictEqual(Object.keys(changes), ["@odata.context", "insert"])
    assert.strictEqual(sendBatch(client, [count], { transactionid: "x" }).status, 500)
    const own = part({ method: "GET", url: created, headers: { TransactionId: id } })
    assert.deepStrictEqual(
      readAnswer(sendBatch(client, [own, part({ method: "GET", url: created })])).map(
        (answer) => single(answer).status
      ),
      [200, 404]
    )
    client.with({ headers: inside }).call("EndTransaction")
    assert.strictEqual(linesOf(client, created).length, 1)
  })

  it("checks the scopes of each request", () => {
    const client = new Client()
    const parts = [
      part({ method: "GET", url: customers }),
      part({ method: "PATCH", url: client.first(customers), body: { GracePeriodDays: 1 } }),
      changeset({ id: "1", method: "DELETE", url: client.first(customers) })
    ]
    const statuses = (scopes: ReadonlyArray<string>) =>
      readAnswer(sendBatch(client.with({ scopes }), parts)).flatMap((item) =>
        (isSet(item) ? item : [item]).map((answer) => [answer.status, answer.text !== ""])
      )
    assert.deepStrictEqual(statuses(["read"]), [
      [200, true],
      [403, false],
      [403, false]
    ])
    assert.deepStrictEqual(statuses(["update"]), [
      [403, false],
      [204, false],
      [204, false]
    ])
  })

  it("is lenient to line feeds alone, quoted boundaries, preambles and inner requests without headers", () => {
    const client = new Client()
    const body = [
      "This is a batch",
      "--batch_x",
      "Content-Type: application/http",
      "Content-Transfer-Encoding: binary",
      "",
      `GET ${customers}/$count HTTP/1.1`,
      "",
      "--batch_x",
      'Content-Type: multipart/mixed; boundary="changeset 1"',
      "",
      "--changeset 1",
      "Content-Type: application/http",
      "Content-ID: 1",
      "",
      `PATCH ${client.first(customers)} HTTP/1.1`,
      "",
      '{ "GracePeriodDays": 81 }',
      "--changeset 1--",
      "--batch_x--"
    ].join("\n")
    const reply = client.send("POST", "%24batch", body, {
      "content-type": 'multipart/mixed; charset=utf-8; boundary="batch_x"'
    })
    const [count, changes] = readAnswer(reply)
    assert.strictEqual(single(count).text, "6")
    assert.strictEqual(set(changes)[0]?.status, 204)
    assert.strictEqual(client.value(client.first(customers), "GracePeriodDays"), 81)
  })

  it("refuses what is malformed with 400 and executes nothing of it", () => {
    const client = new Client()
    const before = client.dump()
    const write = part({ method: "PATCH", url: client.first(customers), body: { GracePeriodDays: 81 } })
    const bodies = [
      "",
      "nothing",
      multipart("other", [write]),
      multipart("batch_x", [write]).replace("--batch_x--", ""),
      multipart("batch_x", [write, "Content-Type: text/plain\r\n\r\nx"]),
      multipart("batch_x", [write, "no header\r\n\r\n"]),
      multipart("batch_x", [write, "Content-Type: application/http\r\n\r\nnonsense\r\n\r\n"]),
      multipart("batch_x", [write, "Content-Type: multipart/mixed\r\n\r\n"]),
      multipart("batch_x", [write, changeset({ id: "1", method: "GET", url: customers })]),
      multipart("batch_x", [
        write,
        changeset({ id: "1", method: "DELETE", url: "$1" }, { id: "1", method: "DELETE", url: "$1" })
      ])
    ]
    for (const body of bodies) {
      const reply = client.send("POST", "$batch", body, headers)
      assert.strictEqual(reply.status, 400, body)
      assert.strictEqual(at(JSON.parse(reply.body), "error", "code"), 0)
    }
    const whole = multipart("batch_x", [write])
    for (const type of ["application/json", "multipart/mixed", ""]) {
      assert.strictEqual(client.send("POST", "$batch", whole, { "content-type": type }).status, 400)
    }
    assert.strictEqual(client.dump(), before)
  })

  it("refuses addresses of other hosts, and a batch in a batch", () => {
    const client = new Client()
    const urls = [`https://elsewhere.example/api/domain/odata/${customers}`, "/other", "$batch", "$7"]
    const answers = readAnswer(
      sendBatch(
        client,
        urls.map((url) => part({ method: "POST", url, body: {} }))
      )
    )
    for (const answer of answers) assert.oneOf(single(answer).status, [400, 500])
  })

  it.effect("is served by the instance, with the scopes of the token", () =>
    Effect.gen(function* () {
      const body = multipart("batch_x", [
        part({ method: "GET", url: `${customers}/$count` }),
        changeset({
          id: "1",
          method: "POST",
          url: "General_Currencies_Currencies",
          body: { CurrencySign: "XAU", Name: "Gold" }
        })
      ])
      const post = (token: string) =>
        HttpClientRequest.post("/api/domain/odata/$batch").pipe(
          HttpClientRequest.setHeader("authorization", `Bearer ${token}`),
          HttpClientRequest.bodyText(body, headers["content-type"]),
          send
        )
      const statuses = (got: {
        readonly status: number
        readonly headers: Readonly<Record<string, string | undefined>>
        readonly body: string
      }) =>
        readAnswer({ ...got, headers: { "content-type": got.headers["content-type"] ?? "" } }).map((item) =>
          isSet(item) ? item.map((answer) => answer.status) : item.status
        )
      assert.deepStrictEqual(statuses(yield* post(yield* issueToken({ ...demo, scope: "read" }))), [200, [403]])
      assert.deepStrictEqual(statuses(yield* post(yield* issueToken({ ...demo, scope: "read update" }))), [200, [201]])
    }).pipe(Effect.provide(layer()))
  )
})

describe("the rows of a batch", () => {
  it("are read in one request", () => {
    const client = new Client()
    const ids = client.ids(customers)
    const answers = readAnswer(
      sendBatch(
        client,
        ids.map((url) => part({ method: "GET", url: `${url}?$select=Id` }))
      )
    )
    assert.deepStrictEqual(
      answers.map((answer) => textAt(JSON.parse(single(answer).text), "@odata.id")),
      [...ids]
    )
    assert.strictEqual(listAt(client.get(customers), "value").length, ids.length)
  })
})

describe("a batch that stops at a failure", () => {
  const parts = [
    part({ method: "GET", url: "GetVersion" }),
    changeset({ method: "POST", url: customers, body: {}, id: "1" }),
    part({ method: "GET", url: "GetVersion" })
  ]
  const count = (options: ConstructorParameters<typeof Client>[0], prefer?: string) =>
    readAnswer(sendBatch(new Client(options), parts, prefer === undefined ? {} : { prefer })).length

  it("is an option, and goes on where the request prefers that", () => {
    assert.strictEqual(count({}), 3)
    assert.strictEqual(count({ batchErrors: "asPreferred" }), 2)
    assert.strictEqual(count({ batchErrors: "asPreferred", failedChangeset: "single" }), 2)
    assert.strictEqual(count({ batchErrors: "asPreferred" }, "odata.continue-on-error"), 3)
    assert.strictEqual(count({ batchErrors: "asPreferred" }, "respond-async, continue-on-error=true"), 3)
    assert.strictEqual(count({ batchErrors: "asPreferred" }, "odata.continue-on-error=false"), 2)
  })
})
