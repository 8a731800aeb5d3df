/** `effect-erpnet describe`: the entity sets of an instance, and the fields of one. */

import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as DomainApi from "../../DomainApi.ts"
import * as ErpNet from "../../ErpNet.ts"
import { fieldsOf, setsOf } from "../metadata.ts"
import { note } from "../note.ts"
import { UsageError } from "../output.ts"
import { readPath, urlOf } from "../reading.ts"
import { Screen, show } from "../screen.ts"
import { type Settings, type SettingsError, withSettings } from "../settings.ts"
import { nearest } from "../similar.ts"
import { tableOf } from "../table.ts"

export interface DescribeOptions extends Settings {
  readonly pager?: boolean | undefined
}

const unknown = (name: string, sets: ReadonlyArray<string>): UsageError => {
  const near = nearest(name, sets)
  const meant = near === undefined ? "" : ` Did you mean ${near}?`
  return new UsageError({ message: `The instance has no entity set ${name}.${meant}` })
}

/** Prints the names of all entity sets, or the fields of one. */
export const describe = (
  set: string | undefined,
  options: DescribeOptions
): Effect.Effect<
  void,
  DomainApi.DomainApiError | SettingsError | Error,
  FileSystem.FileSystem | HttpClient.HttpClient
> =>
  Effect.gen(function* () {
    const { instance } = yield* DomainApi.DomainApi
    const { columns } = yield* Screen
    const metadata = yield* readPath(yield* urlOf(instance, "$metadata"))
    const sets = setsOf(metadata)
    if (sets.size === 0) return yield* Effect.fail(new Error("The $metadata of the instance has no entity sets."))
    if (set === undefined) return yield* show([...sets.keys()].sort().join("\n"), options.pager)
    const type = sets.get(set)
    if (type === undefined) return yield* unknown(set, [...sets.keys()])
    const { notes, text } = tableOf(fieldsOf(metadata, type), { width: columns })
    yield* show(text, options.pager)
    yield* Effect.forEach(notes, note, { discard: true })
  }).pipe(Effect.provide(ErpNet.layerConfig({ discover: true })), withSettings(options))
