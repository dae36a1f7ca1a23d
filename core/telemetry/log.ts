/**
 * The gateway's own log: pino, whose only user this file is, writes one JSON object a line with the Collector's keys
 * (`level`, `ts`, `msg`, `otelcol.component.id`); the console encoding is made of that line (log-console.ts). Equal
 * lines are limited (log-repeats.ts). A Secret prints as [REDACTED] in both, because it says so of itself.
 */

import { once } from 'node:events'
import { isatty } from 'node:tty'
import { type DestinationStream, destination, type Logger as Pino, pino } from 'pino'
import type { LogsConfig } from './config.ts'
import type { Labels } from './instruments.ts'
import { consoleLine } from './log-console.ts'
import { Repeats } from './log-repeats.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFields = Readonly<Record<string, unknown>>

/** Messages are constant words; what differs goes into fields, so that repeats can be seen. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger
}

/** One written line, for whoever sends them on. */
export interface LogRecord {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
  /** ms since the epoch. */
  readonly time: number
}

/** The logger of one gateway. */
export interface RootLog extends Logger {
  /** Every written line is handed to `sink` too; it must not throw, nor log. Gives back what takes that back. */
  tee(sink: (record: LogRecord) => void): () => void
  /** From here on lines below `level` are not written, also by loggers that were made of this one before. */
  setLevel(level: LogLevel): void
  /** Writes a line that another process of this gateway has already decided to write. */
  relay(record: Omit<LogRecord, 'time'>): void
  /** Writes out what is buffered; before the process ends. */
  flush(): void
  /** Writes out what is buffered, in order, and closes files. Lines after it are lost. Safe twice. */
  close(): Promise<void>
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** A line's worth of memory times many: what waits for a slow disk or terminal beyond this is dropped. */
const BUFFER_BYTES_MAX = 8 * 1024 * 1024

/** How long closing waits for a terminal or pipe that nobody reads. */
const CLOSE_MS = 1_000

interface Output {
  write(line: string): void
  flush(): void
  close(): Promise<void>
}

interface Core {
  readonly config: LogsConfig
  level: LogLevel
  readonly repeats: Repeats
  readonly sinks: Set<(record: LogRecord) => void>
}

class PinoLog implements Logger {
  readonly #core: Core
  readonly #pino: Pino
  readonly #fields: LogFields

  constructor(core: Core, pino: Pino, fields: LogFields) {
    this.#core = core
    this.#pino = pino
    this.#fields = fields
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields)
  }

  with(fields: LogFields): Logger {
    const plain = this.#plain('info', fields)
    return new PinoLog(this.#core, this.#pino.child(plain), { ...this.#fields, ...plain })
  }

  #log(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { level: least, repeats } = this.#core
    if (RANK[level] < RANK[least]) return
    const suppressed = repeats.admit(`${level} ${message}`, count => {
      this.#write(level, message, { suppressed: count })
    })
    if (suppressed === undefined) return
    this.#write(level, message, suppressed === 0 ? fields : { ...fields, suppressed })
  }

  relay({ level, message, fields }: Omit<LogRecord, 'time'>): void {
    this.#write(level, message, fields)
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    const plain = this.#plain(level, fields)
    this.#pino[level](plain, message)
    for (const sink of this.#core.sinks) {
      sink({ level, message, fields: { ...this.#fields, ...plain }, time: Date.now() })
    }
  }

  /** Errors and maps become what JSON can say. */
  #plain(level: LogLevel, fields: LogFields): LogFields {
    const { disable_stacktrace, development } = this.#core.config
    const stacks = !disable_stacktrace && (level === 'error' || (development && level === 'warn'))
    const plain: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(fields)) {
      if (value instanceof Error) {
        plain[key] = reasonOf(value)
        if (stacks && value.stack !== undefined) plain['stacktrace'] = value.stack
      } else plain[key] = value instanceof Map ? Object.fromEntries(value) : value
    }
    return plain
  }
}

/** An error and what caused it, in one line: `cannot send: connect ECONNREFUSED 127.0.0.1:4318`. */
export function reasonOf(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at !== undefined && at !== null && parts.length < 8; ) {
    const { message, code } = at as { message?: unknown; code?: unknown }
    const text = message ? String(message) : code ? String(code) : String(at)
    // A sentence that names the code has explained it.
    const explained = typeof code === 'string' && parts.some(part => part.includes(`(${code})`))
    if (!explained && !parts.some(part => part.includes(text))) parts.push(text)
    at = at instanceof Error ? (at.cause ?? (at as AggregateError).errors?.[0]) : undefined
  }
  return parts.join(': ')
}

export interface LogOptions {
  /** Attributes of the gateway; json lines carry them under `resource`, as the Collector's do. */
  readonly resource?: Labels
  /** Where a path leads; tests put their own here. */
  readonly open?: (path: string, say: (problem: string) => void) => Output
}

/** Opens the outputs. Throws when a file cannot be opened, naming it. */
export function createLog(config: LogsConfig, { resource = {}, open = openPath }: LogOptions = {}): RootLog {
  const complain = (problem: string): void => {
    for (const output of errorOutputs) output.write(`sluice: the log cannot be written: ${problem}\n`)
  }
  const errorOutputs = config.error_output_paths.map(path => open(path, () => {}))
  const outputs = config.output_paths.map(path => ({
    output: open(path, complain),
    colour: isTerminal(path),
  }))
  const stream: DestinationStream = {
    write(line) {
      for (const { output, colour } of outputs) {
        output.write(config.encoding === 'json' ? line : consoleLine(line, colour))
      }
    },
  }
  const initial = Object.fromEntries(config.initial_fields)
  const named = config.encoding === 'json' && !config.disable_zap_resource
  const root = pino(
    {
      // What is written is decided above, where it can change.
      level: 'debug',
      base: named ? { ...initial, resource } : initial,
      messageKey: 'msg',
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: level => ({ level }) },
    },
    stream,
  )
  const repeats = new Repeats(config.sampling)
  const core: Core = { config, level: config.level, repeats, sinks: new Set() }
  const log = new PinoLog(core, root, initial)
  const all = [...outputs.map(({ output }) => output), ...errorOutputs]
  return {
    debug: (message, fields) => log.debug(message, fields),
    info: (message, fields) => log.info(message, fields),
    warn: (message, fields) => log.warn(message, fields),
    error: (message, fields) => log.error(message, fields),
    with: fields => log.with(fields),
    tee: sink => {
      core.sinks.add(sink)
      return () => void core.sinks.delete(sink)
    },
    setLevel: level => {
      core.level = level
    },
    relay: record => log.relay(record),
    flush: () => {
      for (const output of all) output.flush()
    },
    close: async () => {
      core.repeats.stop()
      await Promise.all(all.map(output => output.close()))
    },
  }
}

const STANDARD: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 }

function isTerminal(path: string): boolean {
  const fd = STANDARD[path]
  return fd !== undefined && isatty(fd) && !process.env['NO_COLOR']
}

/** `stdout`, `stderr`, a path, or a `file://` URL. */
function openPath(path: string, complain: (problem: string) => void): Output {
  const fd = STANDARD[path]
  const options = { sync: false, minLength: 0, maxLength: BUFFER_BYTES_MAX }
  const file = path.startsWith('file://') ? decodeURIComponent(new URL(path).pathname) : path
  let stream: ReturnType<typeof destination>
  try {
    // A file is opened in a synchronous way, so that a path that cannot be written fails the start.
    stream = destination(
      fd === undefined
        ? { dest: file, append: true, mkdir: true, ...options, sync: true }
        : { dest: fd, ...options },
    )
  } catch (error) {
    throw new Error(`cannot open the log ${file}: ${reasonOf(error)}`, { cause: error })
  }
  stream.on('error', error => complain(`${path}: ${reasonOf(error)}`))
  let open = true
  return {
    write: line => void (open && stream.write(line)),
    flush: () => {
      try {
        stream.flushSync()
      } catch {
        // Not opened yet, closed, or gone: there is nobody left to tell.
      }
    },
    async close() {
      if (!open) return
      open = false
      // Not by flushSync: that overtakes a write under way.
      const closed = once(stream, 'close', { signal: AbortSignal.timeout(CLOSE_MS) })
      stream.end()
      await closed.catch(() => {})
    },
  }
}
