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

/** A derived set has every member of its base, and those of the seed too. */
const inherit = (entity: EntityModel, base: EntityModel): EntityModel => ({
  ...entity,
  keys: new Set([...base.keys, ...entity.keys]),
  attributes: added(entity.attributes, base.attributes, (attribute) => attribute),
  references: added(entity.references, base.references, (reference) => reference),
  children: added(entity.children, base.children, (children) => children)
})

/**
 * Puts sets that the seed fills in front of all others of a model.
 *
 * @category combinators
 * @since 0.2.0
 */
export const withSeeded = (real: Model, seededSets: ReadonlySet<string>): Model => {
  const names = new Set([...seededSets, ...real.entities.keys()])
  const entities: LazyMap<EntityModel> = new LazyMap<EntityModel>(names, (set) => {
    const seeded = seededSets.has(set) ? demo.entities.get(set) : undefined
    const other = real.entities.get(set)
    if (seeded !== undefined) return other === undefined ? seeded : extend(seeded, other)
    if (other === undefined) throw new Error(`The model has no entity set ${set}`)
    const base = other.base === undefined ? undefined : entities.get(other.base)
    return base === undefined ? other : inherit(other, base)
  })
  const seededTypes = [...seededSets].flatMap((set) => demo.entities.get(set)?.type ?? [])
  const enums = new LazyMap([...demo.enums.keys(), ...real.enums.keys()], (name) => {
    const found = real.enums.get(name) ?? demo.enums.get(name)
    if (found === undefined) throw new Error(`The model has no enum type ${name}`)
    return found
  })
  const byType = new LazyMap([...seededTypes, ...real.byType.keys()], (type): EntityModel => {
    const set = real.byType.get(type)?.set ?? demo.byType.get(type)?.set
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
  known ??= withSeeded(readModel(readText()), new Set(demo.entities.keys()))
  return known
}
