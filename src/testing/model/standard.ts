/**
 * The standard model of ERP.net: the sets that the seed fills by hand, and all others from the data file beside this
 * module, which is read when the first instance needs it.
 */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { LazyMap } from "./lazyMap.ts"
import type { Attribute, Children, EntityModel, Model, Reference } from "./model.ts"
import { readModel } from "./modelText.ts"
import { model as demo } from "./sets.ts"

/** Where the file may be: beside this module, or beside the file that a build made of several. */
const places = ["./standardModel.txt", "./testing/standardModel.txt", "../testing/standardModel.txt"]

const readText = (): string => {
  const paths = places.map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const path = paths.find((candidate) => existsSync(candidate))
  if (path === undefined) {
    throw new Error(
      `The file standardModel.txt of effect-erpnet is missing: it should be at ${paths[0]}. ` +
        `A bundler has to leave effect-erpnet/testing out of the bundle; or set the option model to "demo".`
    )
  }
  return readFileSync(path, "utf8")
}

/** The members of one map that another one does not have, changed. */
const added = <A>(own: ReadonlyMap<string, A>, all: ReadonlyMap<string, A>, change: (item: A) => A): Map<string, A> => {
  const result = new Map(own)
  for (const [name, item] of all) if (!own.has(name)) result.set(name, change(item))
  return result
}

/**
 * A set that the seed fills, with the other members of the real one. The seed leaves them empty, so that they are
 * neither required nor shown unless they are named.
 */
const extend = (seeded: EntityModel, real: EntityModel): EntityModel => ({
  ...seeded,
  attributes: added<Attribute>(seeded.attributes, real.attributes, (attribute) => ({
    ...attribute,
    required: false,
    byDefault: false
  })),
  references: added<Reference>(seeded.references, real.references, (reference) => ({
    ...reference,
    required: false,
    hidden: true
  })),
  children: added<Children>(seeded.children, real.children, (children) => children),
  storedIn: [...seeded.storedIn, ...real.storedIn.filter((set) => !seeded.storedIn.includes(set))]
})

/**
 * Puts the sets that the seed fills in front of all others of a model.
 *
 * @category combinators
 * @since 0.2.0
 */
export const withSeeded = (real: Model): Model => {
  const names = new Set([...demo.entities.keys(), ...real.entities.keys()])
  const entities = new LazyMap(names, (set): EntityModel => {
    const [seeded, other] = [demo.entities.get(set), real.entities.get(set)]
    const found = seeded === undefined || other === undefined ? (seeded ?? other) : extend(seeded, other)
    if (found === undefined) throw new Error(`The model has no entity set ${set}`)
    return found
  })
  const enums = new LazyMap([...demo.enums.keys(), ...real.enums.keys()], (name) => {
    const found = demo.enums.get(name) ?? real.enums.get(name)
    if (found === undefined) throw new Error(`The model has no enum type ${name}`)
    return found
  })
  const byType = new LazyMap([...demo.byType.keys(), ...real.byType.keys()], (type): EntityModel => {
    const set = demo.byType.get(type)?.set ?? real.byType.get(type)?.set
    const found = set === undefined ? undefined : entities.get(set)
    if (found === undefined) throw new Error(`The model has no entity type ${type}`)
    return found
  })
  return { entities, byType, enums }
}

let known: Model | undefined

/**
 * The standard model, read once.
 *
 * @category constructors
 * @since 0.2.0
 */
export const standardModel = (): Model => {
  known ??= withSeeded(readModel(readText()))
  return known
}
