/** A leak detector: renders a value in every way that a program may print it, and looks for secrets in what comes out. */
import { Console as NodeConsole } from "node:console"
import { Writable } from "node:stream"
import { formatWithOptions, inspect } from "node:util"
import {
  Cause,
  Chunk,
  Console,
  Effect,
  Encoding,
  Exit,
  Inspectable,
  Layer,
  Logger,
  LogLevel,
  Metric,
  Option,
  Runtime,
  Tracer
} from "effect"

// --- what is looked for ---------------------------------------------------------------------------------------------

/** One spelling of a secret, cut into pieces: any of them in a text is a leak, so that a part of it is one too. */
export interface Needle {
  readonly name: string
  readonly pieces: ReadonlyArray<string>
}

const pieceLength = 8
const stride = 4

const cut = (text: string, length = pieceLength, step = stride): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  for (let at = 0; at + length <= text.length; at += step) pieces.push(text.slice(at, at + length))
  return pieces.length === 0 ? [text] : [...pieces, text.slice(-length)]
}

/** `application/x-www-form-urlencoded`. */
export const formEncode = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1)

const lowerEscapes = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())

// As `inspect` and `JSON.stringify` write bytes, white space taken out.
const byteSpellings = (secret: string): ReadonlyArray<string> => {
  const bytes = [...new TextEncoder().encode(secret)]
  const windows = bytes.flatMap((_, at) => (at % 4 === 0 && at + 6 <= bytes.length ? [bytes.slice(at, at + 6)] : []))
  return windows.map((window) => `,${window.join(",")},`)
}

/** The spellings in which a secret may show. */
export const spellings = (secret: string): Readonly<Record<string, string>> => ({
  plain: secret,
  json: JSON.stringify(secret).slice(1, -1),
  "json twice": JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  inspected: inspect(secret).slice(1, -1),
  percent: encodeURIComponent(secret),
  "percent, lower case": lowerEscapes(encodeURIComponent(secret)),
  form: formEncode(secret),
  "form, lower case": lowerEscapes(formEncode(secret)),
  base64: Encoding.encodeBase64(secret).replace(/=+$/, ""),
  base64url: Encoding.encodeBase64Url(secret),
  hex: Encoding.encodeHex(secret)
})

/** The needles for a secret of at least 8 characters. */
export const needlesOf = (name: string, secret: string): ReadonlyArray<Needle> => [
  ...Object.entries(spellings(secret)).map(([form, text]) => ({
    name: `${name} (${form})`,
    pieces: [...new Set(cut(text))]
  })),
  { name: `${name} (bytes)`, pieces: byteSpellings(secret) }
]

const withoutBlanks = (text: string): string => text.replace(/\s+/g, "")

// The needles by piece, as spellings share many of them.
const indexes = new WeakMap<ReadonlyArray<Needle>, ReadonlyMap<string, ReadonlyArray<string>>>()

const indexOf = (needles: ReadonlyArray<Needle>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const known = indexes.get(needles)
  if (known !== undefined) return known
  const index = new Map<string, Array<string>>()
  for (const { name, pieces } of needles) {
    for (const piece of pieces) {
      const dense = withoutBlanks(piece)
      // Of a piece that is mostly blanks too little is left to tell it from other text.
      if (dense.length < 6) continue
      const names = index.get(dense)
      if (names === undefined) index.set(dense, [name])
      else names.push(name)
    }
  }
  indexes.set(needles, index)
  return index
}

/** The names of the needles that a text holds. White space does not count: bytes are printed in columns and lines. */
export const find = (text: string, needles: ReadonlyArray<Needle>): ReadonlyArray<string> => {
  const dense = withoutBlanks(text)
  const names = new Set<string>()
  for (const [piece, of] of indexOf(needles)) {
    if (dense.includes(piece)) for (const name of of) names.add(name)
  }
  return [...names]
}

// --- how a value shows ----------------------------------------------------------------------------------------------

export interface Rendering {
  readonly name: string
  readonly text: string
}

const attempt = (name: string, render: () => unknown): Rendering => {
  try {
    return { name, text: String(render()) }
  } catch {
    // What cannot be rendered shows nothing.
    return { name, text: "" }
  }
}

const everything = { depth: Number.POSITIVE_INFINITY, maxArrayLength: null, maxStringLength: null, breakLength: 1e9 }

const builtIn = new Set<unknown>([
  Object.prototype,
  Function.prototype,
  Array.prototype,
  Map.prototype,
  Set.prototype,
  Promise.prototype,
  Date.prototype,
  RegExp.prototype,
  Error.prototype
])

/**
 * Every text and every run of bytes that can be reached from a value: own properties with their symbols, whether
 * enumerable or not, getters of its classes, entries of maps and sets.
 */
export const walk = (root: unknown, options: { readonly skip?: ReadonlyArray<PropertyKey> } = {}): string => {
  const seen = new Set<unknown>()
  const texts = new Set<string>()
  const pending: Array<unknown> = [root]
  const getProperties = (holder: object, self: object): void => {
    for (const key of Reflect.ownKeys(holder)) {
      if (options.skip?.includes(key) === true) continue
      const descriptor = Reflect.getOwnPropertyDescriptor(holder, key)
      if (descriptor === undefined) continue
      if (holder === self) texts.add(String(key))
      if ("value" in descriptor) {
        // The methods of a class are code.
        if (holder === self || typeof descriptor.value !== "function") pending.push(descriptor.value)
      } else {
        try {
          pending.push(descriptor.get?.call(self))
        } catch {
          // A getter that throws shows nothing.
        }
      }
    }
  }
  while (pending.length > 0 && seen.size < 20_000) {
    const value = pending.pop()
    if (typeof value === "string" || typeof value === "symbol" || typeof value === "bigint") texts.add(String(value))
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue
    if (value === globalThis) continue
    seen.add(value)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      texts.add(new TextDecoder().decode(value))
      continue
    }
    if (value instanceof Map) pending.push(...value.keys(), ...value.values())
    if (value instanceof Set) pending.push(...value)
    if (value instanceof URLSearchParams || value instanceof URL || value instanceof Headers) texts.add(String(value))
    if (value instanceof Headers || value instanceof FormData) pending.push(...[...value.entries()].flat())
    if (typeof value === "function") texts.add(value.name)
    getProperties(value, value)
    for (
      let prototype = Reflect.getPrototypeOf(value);
      prototype !== null && !builtIn.has(prototype);
      prototype = Reflect.getPrototypeOf(prototype)
    ) {
      getProperties(prototype, value)
    }
  }
  return [...texts].join("\n")
}

const errorTexts = (value: unknown, depth = 0): string =>
  value instanceof Error && depth < 10
    ? [value.name, value.message, value.stack, String(value), errorTexts(value.cause, depth + 1)].join("\n")
    : ""

const plainRenderings = (value: unknown): ReadonlyArray<Rendering> => [
  attempt("inspect", () => inspect(value, everything)),
  attempt("inspect, hidden", () => inspect(value, { ...everything, showHidden: true })),
  attempt("inspect, raw", () => inspect(value, { ...everything, showHidden: true, customInspect: false })),
  attempt("inspect, shallow", () => inspect(value)),
  attempt("format", () => formatWithOptions({}, "%s %j %o %O", value, value, value, value)),
  attempt("JSON", () => JSON.stringify(value)),
  attempt("JSON, circular", () => Inspectable.stringifyCircular(value)),
  attempt("toString", () => String(value)),
  attempt("template", () => `${value}`),
  attempt("key and value", () => Object.entries(Object(value)).join()),
  attempt("Inspectable", () => Inspectable.format(Inspectable.toJSON(value))),
  attempt("error", () => errorTexts(value))
]

const causeRenderings = (cause: Cause.Cause<unknown>): ReadonlyArray<Rendering> => {
  const failure = Runtime.makeFiberFailure(cause)
  return [
    attempt("Cause.pretty", () => Cause.pretty(cause)),
    attempt("Cause.pretty, with causes", () => Cause.pretty(cause, { renderErrorCause: true })),
    attempt("Cause.prettyErrors", () => inspect(Cause.prettyErrors(cause), { ...everything, customInspect: false })),
    attempt("Cause.squash", () => inspect(Cause.squash(cause), everything)),
    attempt("Cause, JSON", () => JSON.stringify(cause)),
    attempt("Cause, inspect", () => inspect(cause, { ...everything, showHidden: true })),
    attempt("Exit, inspect", () => inspect(Exit.failCause(cause), { ...everything, showHidden: true })),
    attempt("Exit, JSON", () => JSON.stringify(Exit.failCause(cause))),
    attempt("FiberFailure", () => `${failure}\n${inspect(failure, everything)}\n${JSON.stringify(failure)}`)
  ]
}

// --- loggers, console, tracer ---------------------------------------------------------------------------------------

/** A console that keeps what is written to it. */
export const recordingConsole = () => {
  const written: Array<string> = []
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk))
      done()
    }
  })
  const node = new NodeConsole(stream, stream)
  const writes =
    (method: "log" | "error" | "info" | "debug" | "warn" | "dir") =>
    (...values: ReadonlyArray<unknown>) =>
      Effect.sync(() => node[method](...values))
  return {
    written,
    layer: (effectConsole: Console.Console): Console.Console => ({
      ...effectConsole,
      unsafe: node,
      log: writes("log"),
      error: writes("error"),
      info: writes("info"),
      debug: writes("debug"),
      warn: writes("warn"),
      dir: writes("dir")
    })
  }
}

const levels = [
  LogLevel.Trace,
  LogLevel.Debug,
  LogLevel.Info,
  LogLevel.Warning,
  LogLevel.Error,
  LogLevel.Fatal
] as const

/** All loggers of Effect as one, that keeps what they write. */
export const recordingLogger = (lines: Array<Rendering>): Logger.Logger<unknown, void> => {
  const loggers = {
    string: Logger.stringLogger,
    logfmt: Logger.logfmtLogger,
    json: Logger.jsonLogger
  }
  const pretty = Logger.prettyLogger({ colors: false, mode: "tty" })
  return Logger.make((options) => {
    // Writes to the console of the fiber.
    pretty.log(options)
    for (const [name, logger] of Object.entries(loggers)) {
      lines.push(attempt(`${name} logger`, () => logger.log(options)))
    }
    lines.push(attempt("structured logger", () => inspect(Logger.structuredLogger.log(options), everything)))
  })
}

export interface RecordedSpan extends Tracer.Span {
  readonly events: Array<readonly [name: string, attributes: unknown]>
  readonly linked: Array<Tracer.SpanLink>
  exit: Exit.Exit<unknown, unknown> | undefined
}

/** A tracer that keeps all that a tracer is told. */
export const recordingTracer = (spans: Array<RecordedSpan>): Tracer.Tracer =>
  Tracer.make({
    context: (run) => run(),
    span: (name, parent, context, links, startTime, kind) => {
      const attributes = new Map<string, unknown>()
      const span: RecordedSpan = {
        _tag: "Span",
        name,
        spanId: `span-${spans.length}`,
        traceId: "trace",
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes,
        links,
        sampled: true,
        kind,
        events: [],
        linked: [...links],
        exit: undefined,
        end: (_time, exit) => {
          span.exit = exit
        },
        attribute: (key, value) => {
          attributes.set(key, value)
        },
        event: (event, _time, values) => {
          span.events.push([event, values])
        },
        addLinks: (more) => {
          span.linked.push(...more)
        }
      }
      spans.push(span)
      return span
    }
  })

const logRenderings = (
  value: unknown,
  cause: Cause.Cause<unknown>,
  atLevels: ReadonlyArray<LogLevel.LogLevel>
): Effect.Effect<ReadonlyArray<Rendering>> =>
  Effect.suspend(() => {
    const lines: Array<Rendering> = []
    const console = recordingConsole()
    const logs = Effect.forEach(atLevels, (level) =>
      level._tag === "All" || level._tag === "None"
        ? Effect.void
        : Effect.all([
            Effect.logWithLevel(level, value),
            Effect.logWithLevel(level, "with a value", value),
            Effect.logWithLevel(level, "with a cause", cause),
            Effect.annotateLogs(Effect.logWithLevel(level, "annotated"), "value", value)
          ])
    )
    return Effect.zipRight(
      logs,
      Effect.all([Console.log(value), Console.error("value", value), Console.dir(value)])
    ).pipe(
      Effect.provide(Logger.replace(Logger.defaultLogger, recordingLogger(lines))),
      Logger.withMinimumLogLevel(LogLevel.All),
      withRecordingConsole(console),
      Effect.map(() => [...lines, { name: "Console", text: console.written.join("\n") }])
    )
  })

const withRecordingConsole =
  (console: ReturnType<typeof recordingConsole>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Console.consoleWith((current) => Effect.withConsole(effect, console.layer(current)))

export interface Options {
  /** Runs the loggers at each level rather than at one. */
  readonly everyLevel?: boolean
  /** Properties that the walk leaves out. */
  readonly skip?: ReadonlyArray<PropertyKey>
  /** Leaves out what spans succeeded with: the data of the server. */
  readonly skipSpanValues?: boolean
}

/** The renderings that need no logger. */
const stillRenderings = (value: unknown, options: Options): ReadonlyArray<Rendering> => [
  ...plainRenderings(value),
  ...causeRenderings(causeOf(value)),
  attempt("walk", () => walk(value, options))
]

const causeOf = (value: unknown): Cause.Cause<unknown> =>
  Cause.isCause(value)
    ? value
    : Exit.isExit(value)
      ? Exit.match(value, { onFailure: (cause) => cause, onSuccess: Cause.die })
      : Cause.parallel(Cause.fail(value), Cause.die(value))

/** All renderings of a value. */
export const renderings = (value: unknown, options: Options = {}): Effect.Effect<ReadonlyArray<Rendering>> =>
  Effect.map(
    logRenderings(value, causeOf(value), options.everyLevel === true ? levels : [LogLevel.Debug]),
    (logged) => [...stillRenderings(value, options), ...logged]
  )

const search = (all: ReadonlyArray<Rendering>, needles: ReadonlyArray<Needle>): ReadonlyArray<string> => {
  const byText = new Map(all.map(({ name, text }) => [text, name]))
  return find([...byText.keys()].join("\n"), needles).length === 0
    ? []
    : [...byText].flatMap(([text, name]) => find(text, needles).map((needle) => `${name}: ${needle}`))
}

/** Where a value shows a secret: `rendering: needle`. */
export const leaks = (
  value: unknown,
  needles: ReadonlyArray<Needle>,
  options: Options = {}
): Effect.Effect<ReadonlyArray<string>> => Effect.map(renderings(value, options), (all) => search(all, needles))

// --- all that a program lets out ------------------------------------------------------------------------------------

export interface Observed<A, E> {
  readonly exit: Exit.Exit<A, E>
  readonly spans: ReadonlyArray<RecordedSpan>
  readonly logs: ReadonlyArray<Rendering>
  /** Where a secret shows: in the result, in a log line, on the console, in a span, in a metric. */
  readonly leaks: ReadonlyArray<string>
}

/** Runs a program at the finest log level under a tracer, and searches its result and all that it let out. */
export const observe = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  needles: ReadonlyArray<Needle>,
  options: Options = {}
): Effect.Effect<Observed<A, E>, never, R> =>
  Effect.gen(function* () {
    const spans: Array<RecordedSpan> = []
    const logs: Array<Rendering> = []
    const console = recordingConsole()
    const exit = yield* program.pipe(
      Effect.tapErrorCause((cause) => Effect.logError("the program failed", cause)),
      Effect.exit,
      Effect.provide(
        Layer.mergeAll(
          Logger.replace(Logger.defaultLogger, recordingLogger(logs)),
          Layer.setTracer(recordingTracer(spans)),
          Logger.minimumLogLevel(LogLevel.All)
        )
      ),
      withRecordingConsole(console)
    )
    const results = Exit.match(exit, {
      onFailure: (cause) => [...Cause.failures(cause), ...Cause.defects(cause)],
      onSuccess: (value) => [value]
    })
    const all: Array<Rendering> = [
      ...stillRenderings(exit, options),
      ...logs,
      { name: "console", text: console.written.join("\n") },
      { name: "metrics", text: inspect(yield* Metric.snapshot, everything) }
    ]
    for (const value of results) all.push(...(yield* renderings(value, options)))
    for (const span of spans) {
      const exit = options.skipSpanValues === true && span.exit?._tag === "Success" ? undefined : span.exit
      const told = [span.name, [...span.attributes], span.events, span.linked.map((link) => link.attributes), exit]
      all.push(
        { name: `span ${span.name}`, text: inspect(told, { ...everything, showHidden: true }) },
        { name: `span ${span.name}, walk`, text: walk(told, options) }
      )
    }
    return { exit, spans, logs, leaks: search(all, needles) }
  })

/** The error of a failed exit. */
export const errorOf = <A, E>(exit: Exit.Exit<A, E>): E | undefined =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Chunk.head(Cause.failures(exit.cause))) : undefined
