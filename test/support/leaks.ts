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

/** The names of the needles that a text holds. */
export const find = (text: string, needles: ReadonlyArray<Needle>): ReadonlyArray<string> => {
  // Bytes come in columns and lines, and a long text may be broken.
  const dense = withoutBlanks(text)
  return needles
    .filter(({ pieces }) => pieces.some((piece) => text.includes(piece) || dense.includes(withoutBlanks(piece))))
    .map(({ name }) => name)
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
  const texts: Array<string> = []
  const pending: Array<unknown> = [root]
  const getProperties = (holder: object, self: object): void => {
    for (const key of Reflect.ownKeys(holder)) {
      if (options.skip?.includes(key) === true) continue
      texts.push(String(key))
      const descriptor = Reflect.getOwnPropertyDescriptor(holder, key)
      if (descriptor === undefined) continue
      if ("value" in descriptor) pending.push(descriptor.value)
      else {
        try {
          pending.push(descriptor.get?.call(self))
        } catch {
          // A getter that throws shows nothing.
        }
      }
    }
  }
  while (pending.length > 0 && seen.size < 50_000) {
    const value = pending.pop()
    if (typeof value === "string" || typeof value === "symbol" || typeof value === "bigint") texts.push(String(value))
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue
    if (value === globalThis) continue
    seen.add(value)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      texts.push(new TextDecoder().decode(value))
      continue
    }
    if (value instanceof Map) pending.push(...value.keys(), ...value.values())
    if (value instanceof Set) pending.push(...value)
    if (value instanceof URLSearchParams || value instanceof URL || value instanceof Headers) texts.push(String(value))
    if (value instanceof Headers || value instanceof FormData) pending.push(...[...value.entries()].flat())
    if (typeof value === "function") texts.push(value.name)
    getProperties(value, value)
    for (
      let prototype = Reflect.getPrototypeOf(value);
      prototype !== null && !builtIn.has(prototype);
      prototype = Reflect.getPrototypeOf(prototype)
    ) {
      getProperties(prototype, value)
    }
  }
  return texts.join("\n")
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
    json: Logger.jsonLogger,
    pretty: Logger.prettyLogger({ colors: false, mode: "tty" })
  }
  return Logger.make((options) => {
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

/** All renderings of a value; `everyLevel` runs the loggers at each level rather than at two. */
export const renderings = (
  value: unknown,
  options: { readonly everyLevel?: boolean; readonly skip?: ReadonlyArray<PropertyKey> } = {}
): Effect.Effect<ReadonlyArray<Rendering>> => {
  const cause = Cause.isCause(value)
    ? value
    : Exit.isExit(value)
      ? Exit.match(value, { onFailure: (failed) => failed, onSuccess: Cause.die })
      : Cause.parallel(Cause.fail(value), Cause.die(value))
  return Effect.map(
    logRenderings(value, cause, options.everyLevel === true ? levels : [LogLevel.Debug, LogLevel.Error]),
    (logged) => [
      ...plainRenderings(value),
      ...causeRenderings(cause),
      attempt("walk", () => walk(value, options)),
      attempt("walk of the cause", () => walk(cause, options)),
      ...logged
    ]
  )
}

/** Where a value shows a secret: `rendering: needle`. */
export const leaks = (
  value: unknown,
  needles: ReadonlyArray<Needle>,
  options: { readonly everyLevel?: boolean; readonly skip?: ReadonlyArray<PropertyKey> } = {}
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(renderings(value, options), (all) => {
    const byText = new Map(all.map(({ name, text }) => [text, name]))
    return [...byText].flatMap(([text, name]) => find(text, needles).map((needle) => `${name}: ${needle}`))
  })

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
  options: { readonly skip?: ReadonlyArray<PropertyKey> } = {}
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
    const failure = Exit.match(exit, {
      onFailure: (cause) => [...Cause.failures(cause), ...Cause.defects(cause)],
      onSuccess: (value) => [value]
    })
    const metrics = yield* Metric.snapshot
    const found: Array<string> = []
    const search = (where: string, value: unknown) =>
      Effect.map(leaks(value, needles, options), (hits) => {
        for (const hit of hits) found.push(`${where}: ${hit}`)
      })
    yield* search("exit", exit)
    for (const value of failure) yield* search("result", value)
    for (const span of spans) {
      const told = [span.name, [...span.attributes], span.events, span.linked.map((link) => link.attributes), span.exit]
      for (const text of [inspect(told, { ...everything, showHidden: true }), walk(told, options)]) {
        for (const needle of find(text, needles)) found.push(`span ${span.name}: ${needle}`)
      }
    }
    for (const { name, text } of [...logs, { name: "console", text: console.written.join("\n") }]) {
      for (const needle of find(text, needles)) found.push(`${name}: ${needle}`)
    }
    for (const needle of find(inspect(metrics, everything), needles)) found.push(`metrics: ${needle}`)
    return { exit, spans, logs, leaks: [...new Set(found)] }
  })

/** The error of a failed exit. */
export const errorOf = <A, E>(exit: Exit.Exit<A, E>): E | undefined =>
  Exit.isFailure(exit) ? Option.getOrUndefined(Chunk.head(Cause.failures(exit.cause))) : undefined
