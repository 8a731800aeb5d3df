/**
 * A map whose values are made when they are first asked for.
 */

/**
 * Knows its names from the start, and makes each value once.
 *
 * @category models
 * @since 0.2.0
 */
export class LazyMap<V> implements ReadonlyMap<string, V> {
  readonly #names: ReadonlySet<string>
  readonly #make: (name: string) => V
  readonly #made = new Map<string, V>()
  #all: ReadonlyMap<string, V> | undefined

  constructor(names: Iterable<string>, make: (name: string) => V) {
    this.#names = new Set(names)
    this.#make = make
  }

  get size(): number {
    return this.#names.size
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  get(name: string): V | undefined {
    const known = this.#made.get(name)
    if (known !== undefined || !this.#names.has(name)) return known
    const made = this.#make(name)
    this.#made.set(name, made)
    return made
  }

  #map(): ReadonlyMap<string, V> {
    if (this.#all === undefined) {
      const all = new Map<string, V>()
      for (const name of this.#names) {
        const value = this.get(name)
        if (value !== undefined) all.set(name, value)
      }
      this.#all = all
    }
    return this.#all
  }

  keys(): MapIterator<string> {
    // the values need not be made for their names
    return new Map([...this.#names].map((name) => [name, name])).keys()
  }

  values(): MapIterator<V> {
    return this.#map().values()
  }

  entries(): MapIterator<[string, V]> {
    return this.#map().entries()
  }

  forEach(each: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [name, value] of this.#map()) each(value, name, this)
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries()
  }
}
