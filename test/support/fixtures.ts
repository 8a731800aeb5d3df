import { Instance, TrustedApplication } from "effect-erpnet"
import { Either, Redacted } from "effect"

export const secret = "s3cret/+ Ünïcode&=%"

export const instance = Either.getOrThrow(Instance.make("testdb"))

export const application = Either.getOrThrow(
  TrustedApplication.make({ clientId: "my.trusted.app/service", clientSecret: Redacted.make(secret), scope: "read" })
)
