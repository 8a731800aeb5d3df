import { it } from "@effect/vitest"
import * as Domain from "../../src/testing/internal/domain/index.ts"
import { sender } from "./domainFixture.ts"

it("x", () => {
  const d = Domain.make({ customers: 20, products: 20, salesOrders: 20 })
  const send = sender(d)
  const scopes = ["read", "update"]
  const now = Date.UTC(2026, 6, 1, 10)
  const call = (method: string, path: string, body: unknown = "", headers = {}) => {
    const r = send(path.split("?")[0]!, path.split("?")[1] ?? "", {
      method,
      scopes,
      now,
      headers,
      body: body === "" ? "" : JSON.stringify(body)
    })
    console.log(method, path, r.status, r.headers["location"] ?? "", r.body.slice(0, 900))
    return r
  }
  const ids = (s: string) => d.ids(s).map((i) => `${s}(${i})`)
  const cust = ids("Crm_Sales_Customers")[0]!
  call("POST", "Crm_Sales_Customers", { Party: { "@odata.id": ids("General_Contacts_Companies")[0] } })
  call("PATCH", cust, { DefaultPaymentTermDays: 12 })
  call("PATCH", cust, { CreationUser: "x" })
  call("PATCH", cust, { FromDate: "2026-02-02", ThruDate: "2026-01-01" })
  call("GET", `${cust}?$select=DefaultPaymentTermDays,ObjectVersion,UpdateUser,AggregateLastUpdateTimeUtc`)
  const prod = ids("General_Products_Products")[0]!
  const o = call("POST", "Crm_Sales_SalesOrders?$select=DocumentNo,ObjectVersion,FromParty&$expand=Lines", {
    "DocumentType@odata.bind": ids("Systems_Documents_DocumentTypes")[0],
    EnterpriseCompany: { "@odata.id": ids("General_EnterpriseCompanies")[0] },
    "Customer@odata.bind": `https://testdb.my.erp.net/api/domain/odata/Crm_Customers(${d.ids("Crm_Sales_Customers")[0]})`,
    DocumentCurrency: { CurrencySign: "eur" },
    Lines: [{ Product: { "@odata.id": prod }, Quantity: { Value: 3, Unit: "box" }, UnitPrice: { Value: 2.5 } }]
  })
  const id = JSON.parse(o.body)["@odata.id"]
  call("POST", `${id}/ChangeState`, { newState: "Released" })
  call("PATCH", id, { DocumentNotes: "x" })
  call("POST", "General_Products_Products", { PartNumber: "OFF0001", Name: { en: "A" }, ProductGroup: { Code: "OFF" } })
  call("POST", "General_Products_Products", { PartNumber: "NEW1", Name: { en: "A" }, ProductGroup: { Code: "OFF" } })
  call("POST", "General_Products_Products", {
    PartNumber: "NEW2",
    Name: { en: "A" },
    ProductGroup: { Code: "OFFX" },
    X: 1
  })
  const t = call("POST", "BeginTransaction", { model: "frontend", trackChanges: true })
  const h = { transactionid: t.body }
  call("PATCH", cust, { DefaultPaymentTermDays: 13 }, h)
  call("GET", `${cust}?$select=DefaultPaymentTermDays`, "", h)
  call("GET", `${cust}?$select=DefaultPaymentTermDays`)
  call("GET", "GetChanges", "", h)
  call("POST", "EndTransaction", {}, h)
  call("POST", "EndTransaction", {}, h)
  call("DELETE", id)
  call("DELETE", cust)
  call("GET", cust)
})
