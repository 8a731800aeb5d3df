import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import type { ErpNetError } from "effect-erpnet"
import { type Failure, fromFailure } from "../../src/AuthorizedClient/apiError.ts"
import { leaks, needlesOf } from "../support/leaks.ts"

const enterprise = "Aloe.EnterpriseOne.Server.ServerAPI.Exceptions.EnterpriseOneServerException"
const stackTrace = "zq7-Stack-4711-trace-0815"
const format = "zq7-Format-4711-{0}"

const answered = (failure: Partial<Failure>): ErpNetError.ApiError =>
  fromFailure({
    method: "GET",
    path: "/api/domain/odata/Crm_Customers",
    status: 500,
    retryAfter: undefined,
    body: "",
    secrets: [],
    ...failure
  })

interface Body {
  readonly message?: unknown
  readonly code?: unknown
  readonly type?: unknown
}

const full = (body: Body) => ({
  ...body,
  info: stackTrace,
  messageFormat: format,
  parameters: ["dbo.Gen_Products_Table", stackTrace]
})

const shapes: ReadonlyArray<readonly [string, (body: Body) => string]> = [
  ["wrapped", (body) => JSON.stringify({ error: full(body) })],
  ["bare", (body) => JSON.stringify(full(body))]
]

const validation =
  "An error occurred while saving data to the database\r\n" +
  "The validation R27159: FromDateLessThanThruDate failed for event Commit: the date is wrong (Constraint R27159)"
const renamed = (end: string) =>
  [
    "The provided entity set name 'Crm_Customers' is no more supported.",
    "The new name of this entity is 'Crm_Sales_Customers'.",
    "List of all entity renames can be found at https://testdb.my.erp.net/api/domain/odata/GetRenamedEntityTypes."
  ].join(end)

interface Expected {
  readonly _tag: ErpNetError.ApiError["_tag"]
  readonly [field: string]: unknown
}

const cases: ReadonlyArray<readonly [string, number, Body, Expected]> = [
  [
    "no licence, since 27.1",
    503,
    { message: "Броят потребители е надвишен.", code: 8, type: "Aloe.SystemFrameworks.E1LicenseException" },
    { _tag: "LicenseUnavailable", status: 503, code: 8 }
  ],
  [
    "no licence, before 27.1",
    500,
    { message: "x", code: 8, type: "Aloe.SystemFrameworks.E1LicenseException" },
    { _tag: "LicenseUnavailable", status: 500 }
  ],
  ["no licence, by the code alone", 500, { message: "Максимален брой", code: 8 }, { _tag: "LicenseUnavailable" }],
  ["no licence, the code as a text", 500, { message: "x", code: "8" }, { _tag: "LicenseUnavailable", code: 8 }],
  [
    "no licence, by the type alone",
    500,
    { message: "x", code: 0, type: "Aloe.SystemFrameworks.E1LicenseException" },
    { _tag: "LicenseUnavailable" }
  ],
  [
    "no licence, by its name",
    500,
    { message: "MaximumLicenseCountExceeded", code: 0, type: "System.Exception" },
    { _tag: "LicenseUnavailable" }
  ],
  [
    "duplicate key",
    500,
    { message: "Забранено дублиране в таблица 'dbo.Gen_Products_Table'…", code: 2129, type: enterprise },
    { _tag: "DuplicateKey", code: 2129, type: enterprise }
  ],
  [
    "validation",
    500,
    { message: validation, code: 2029, type: enterprise },
    { _tag: "ValidationFailed", ruleId: "R27159", code: 2029 }
  ],
  [
    "validation, localized",
    500,
    {
      message: "Възникна грешка при запис\r\nВалидацията R17342-2: … (Constraint R17342-2)",
      code: 2029,
      type: enterprise
    },
    { _tag: "ValidationFailed", ruleId: "R17342-2" }
  ],
  [
    "validation without a rule",
    500,
    { message: "Fehler beim Speichern", code: 2029, type: enterprise },
    { _tag: "ValidationFailed", ruleId: undefined }
  ],
  [
    "validation, by the constraint alone",
    500,
    { message: validation, code: 0 },
    { _tag: "ValidationFailed", ruleId: "R27159" }
  ],
  [
    "renamed, CRLF",
    500,
    { message: renamed("\r\n"), code: 0, type: "System.InvalidOperationException" },
    { _tag: "EntityRenamed", oldName: "Crm_Customers", newName: "Crm_Sales_Customers" }
  ],
  [
    "renamed, LF, as 404",
    404,
    { message: renamed("\n"), code: 0 },
    { _tag: "EntityRenamed", oldName: "Crm_Customers", newName: "Crm_Sales_Customers", status: 404 }
  ],
  [
    "renamed, one line, as 400",
    400,
    { message: renamed(" ") },
    { _tag: "EntityRenamed", newName: "Crm_Sales_Customers", status: 400 }
  ],
  ["not found", 404, { message: "x", code: 0 }, { _tag: "NotFound", status: 404 }],
  ["forbidden", 403, { message: "x", code: 0 }, { _tag: "Forbidden", status: 403 }],
  [
    "forbidden as 500",
    500,
    { message: "Достъпът е отказан.", code: 0, type: "System.Security.SecurityException" },
    { _tag: "Forbidden", status: 500 }
  ],
  ["too many requests", 429, { message: "x", code: 0 }, { _tag: "RateLimited", status: 429 }],
  [
    "an unsupported construct",
    500,
    {
      message: "OData $orderby is not supported together with $apply groupby.",
      code: 0,
      type: "NotSupportedException"
    },
    {
      _tag: "ServerError",
      status: 500,
      code: 0,
      type: "NotSupportedException",
      detail: "OData $orderby is not supported together with $apply groupby."
    }
  ],
  ["any other", 500, { message: "boom", code: 17, type: "System.Exception" }, { _tag: "ServerError", code: 17 }],
  [
    "a fault of the syntax",
    400,
    { message: "Syntax error at position 4", code: 0 },
    { _tag: "ServerError", status: 400 }
  ],
  [
    "members of other types",
    500,
    { message: { value: "x" }, code: {}, type: 7 },
    { _tag: "ServerError", code: undefined, type: undefined, detail: undefined }
  ]
]

describe("fromFailure", () => {
  for (const [shape, write] of shapes) {
    for (const [name, status, body, expected] of cases) {
      it(`${name} (${shape})`, () => {
        const error = answered({ status, body: write(body) })
        const found = Object.fromEntries(Object.keys(expected).map((field) => [field, Reflect.get(error, field)]))
        assert.deepStrictEqual(found, { ...expected })
        assert.strictEqual(error.path, "/api/domain/odata/Crm_Customers")
        assert.strictEqual(error.method, "GET")
      })
    }
  }

  const bodies = [
    "",
    " ",
    "null",
    "[]",
    "7",
    '"text"',
    "<html>Bad Gateway</html>",
    "{",
    '{"error":null}',
    '{"error":"x"}',
    "\u0000"
  ]
  for (const body of bodies) {
    it(`the status alone decides where the body says nothing: ${JSON.stringify(body)}`, () => {
      const tags = [400, 403, 404, 429, 500, 502, 503, 302].map((status) => answered({ status, body })._tag)
      assert.deepStrictEqual(tags, [
        "ServerError",
        "Forbidden",
        "NotFound",
        "RateLimited",
        "ServerError",
        "ServerError",
        "ServerError",
        "ServerError"
      ])
    })
  }

  it("Retry-After is carried by those that it concerns", () => {
    const retryAfter = Duration.seconds(90)
    for (const [status, body] of [
      [429, ""],
      [503, ""],
      [503, JSON.stringify({ error: { code: 8 } })]
    ] as const) {
      const error = answered({ status, body, retryAfter })
      assert.deepStrictEqual(Reflect.get(error, "retryAfter"), retryAfter)
    }
  })

  it("texts are one line, at most 512 characters, and hold no secret", () => {
    const secret = "tok3n-9f8e7d6c5b4a"
    const error = answered({
      body: JSON.stringify({
        error: { code: 0, message: `a\r\nb\u0007 ${secret} ${"x".repeat(10_000)}`, type: secret }
      }),
      secrets: [secret]
    })
    assert(error._tag === "ServerError")
    assert.isAtMost(error.detail?.length ?? 0, 512)
    assert.match(error.detail ?? "", /^a b <redacted> x+…$/)
    assert.strictEqual(error.type, "<redacted>")
  })

  it("a secret in the name of an entity set is masked as well", () => {
    const secret = "tok3n-9f8e7d6c5b4a"
    const message = `The provided entity set name '${secret}' is no more supported.\nThe new name of this entity is 'a${secret}'.`
    const error = answered({ body: JSON.stringify({ message }), secrets: [secret] })
    assert(error._tag === "EntityRenamed")
    assert.strictEqual(error.oldName, "<redacted>")
    assert.strictEqual(error.newName, "a<redacted>")
  })

  it("the advice for a redirect and for an unsupported construct", () => {
    const messageOf = (error: ErpNetError.ErpNetError) => error.message
    assert.include(messageOf(answered({ status: 302 })), "Redirects are not followed")
    const body = JSON.stringify({ error: { code: 0, type: "System.NotSupportedException", message: "no" } })
    assert.include(messageOf(answered({ body })), "does not support this construct")
  })

  it.effect("info, messageFormat and parameters are in no rendering", () =>
    Effect.gen(function* () {
      const needles = [...needlesOf("info", stackTrace), ...needlesOf("format", format)]
      for (const [, write] of shapes) {
        for (const [, status, body] of cases.slice(0, 21)) {
          assert.deepStrictEqual(yield* leaks(answered({ status, body: write(body) }), needles), [])
        }
      }
    })
  )
})
