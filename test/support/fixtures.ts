import { Either, Redacted } from "effect"
import { Instance, TrustedApplication } from "effect-erpnet"

export const secret = "s3cret/+ Ünïcode&=%"

export const instance = Either.getOrThrow(Instance.make("testdb"))

export const application = Either.getOrThrow(
  TrustedApplication.make({ clientId: "my.trusted.app/service", clientSecret: Redacted.make(secret), scope: "read" })
)
