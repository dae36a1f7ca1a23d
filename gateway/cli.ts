/**
 * The command line: the Collector's commands and flags, and what an exit code means.
 *
 * Flags stand anywhere, as `--flag value` or `--flag=value`. `--config` and `--set` may repeat and keep their order;
 * `--feature-gates` takes a comma-separated list and may repeat too.
 */

import { parseDuration } from '../config/schema.ts'
import { didYouMean } from '../config/suggest.ts'
import { STRATEGIES, type Strategy } from '../core/formats/prometheus/names.ts'

/** Done as asked. */
export const EXIT_OK = 0
/** The config is wrong, or the gateway could not start or had to give up. */
export const EXIT_FAILED = 1
/** The command line itself is wrong. */
export const EXIT_USAGE = 2

export const COMMANDS = {
  run: 'Runs the gateway until SIGTERM or SIGINT; this is what happens without a command',
  validate: 'Reads the config and lists every mistake in it, without running anything',
  components: 'Lists the components this build has',
  'print-config': 'Prints the config as it is understood: merged, expanded, with every default',
  schema: 'Prints the JSON Schema of the config file, for editors',
  explain: 'Says what a metric is called in Prometheus, and why: explain metric NAME',
  featuregate: 'Lists the feature gates, or explains one: featuregate [ID]',
  help: 'Prints this text',
  version: 'Prints the version',
} as const

export type CommandName = keyof typeof COMMANDS

/** What `explain metric` calls kinds of metrics. */
export const METRIC_TYPES = [
  'counter',
  'updowncounter',
  'gauge',
  'histogram',
  'exponential_histogram',
  'summary',
] as const

/** Of explain. What is not given is taken from the semantic conventions, the config, or is the default. */
export interface ExplainOptions {
  readonly type?: (typeof METRIC_TYPES)[number]
  readonly unit?: string
  readonly strategy?: Strategy
  readonly namespace?: string
  /** Keys of attributes, in order. */
  readonly attributes: readonly string[]
}

export interface CommandLine {
  readonly command: CommandName
  /** `--config` in order: paths or `file:`, `env:`, `yaml:` addresses. Empty: the caller's default. */
  readonly sources: readonly string[]
  /** `--set` in order: `processors.batch.timeout=2s`. */
  readonly sets: readonly string[]
  /** `--feature-gates` in order: `some.gate` turns it on, `-some.gate` off. */
  readonly gates: readonly string[]
  readonly options: {
    /** Of print-config. */
    readonly mode: 'redacted' | 'unredacted'
    readonly format: 'yaml' | 'json'
    /** Of run: `--shutdown-timeout` in ms. */
    readonly shutdownTimeoutMs?: number
    /** Of run: follow changes of the config files. */
    readonly watch?: true
  }
  readonly explain: ExplainOptions
  /** What stood behind the command: the id for `featuregate`, `metric` and its name for `explain`. */
  readonly rest: readonly string[]
}

export interface UsageError {
  /** For people: what is wrong and what to write. */
  readonly error: string
}

interface Draft {
  command: CommandName | undefined
  readonly sources: string[]
  readonly sets: string[]
  readonly gates: string[]
  readonly rest: string[]
  mode: 'redacted' | 'unredacted'
  format: 'yaml' | 'json'
  shutdownTimeoutMs?: number
  watch?: true
  readonly explain: { -readonly [K in keyof ExplainOptions]: ExplainOptions[K] } & {
    readonly attributes: string[]
  }
}

interface Flag {
  readonly doc: string
  /** What stands for its value in the help text; without one the flag takes no value. */
  readonly value?: string
  /** The only command that takes it. */
  readonly only?: CommandName
  /** Enters the value; gives back what is wrong with it. */
  readonly take: (draft: Draft, value: string) => string | undefined
}

function oneOf<W extends string>(words: readonly W[], enter: (draft: Draft, word: W) => void): Flag['take'] {
  return (draft, value) => {
    const word = words.find(one => one === value)
    if (word === undefined) return `"${value}" is not one of ${words.join(', ')}`
    enter(draft, word)
    return undefined
  }
}

const FLAGS: Readonly<Record<string, Flag>> = {
  config: {
    doc: 'A path, file:PATH, env:NAME or yaml:a::b: value. May repeat: later ones win, maps join',
    value: 'SOURCE',
    take: (draft, value) => void draft.sources.push(value),
  },
  set: {
    doc: 'One value above all configs, such as processors.batch.timeout=2s. May repeat',
    value: 'KEY=VALUE',
    take: (draft, value) => (value.includes('=') ? void draft.sets.push(value) : `"${value}" has no "="`),
  },
  'feature-gates': {
    doc: 'Gates to turn on (name or +name) or off (-name), separated by commas. May repeat',
    value: 'GATES',
    take: (draft, value) => {
      for (const gate of value.split(',').map(part => part.trim())) {
        if (gate !== '') draft.gates.push(gate.replace(/^\+/, ''))
      }
      return undefined
    },
  },
  'shutdown-timeout': {
    doc: 'How long stopping may take to send on what is held (default 30s)',
    value: 'DURATION',
    only: 'run',
    take: (draft, value) => {
      const ms = parseDuration(value)
      if (ms === undefined || ms < 0) return `"${value}" is not a duration; write one such as 30s`
      draft.shutdownTimeoutMs = ms
      return undefined
    },
  },
  watch: {
    doc: 'Follows changes of the config files while running; SIGHUP makes it read them once',
    only: 'run',
    take: draft => {
      draft.watch = true
      return undefined
    },
  },
  mode: {
    doc: 'Whether secrets are shown: redacted (default) or unredacted',
    value: 'MODE',
    only: 'print-config',
    take: oneOf(['redacted', 'unredacted'], (draft, word) => {
      draft.mode = word
    }),
  },
  format: {
    doc: 'yaml (default) or json',
    value: 'FORMAT',
    only: 'print-config',
    take: oneOf(['yaml', 'json'], (draft, word) => {
      draft.format = word
    }),
  },
  type: {
    doc: METRIC_TYPES.join(', '),
    value: 'TYPE',
    only: 'explain',
    take: oneOf(METRIC_TYPES, (draft, word) => {
      draft.explain.type = word
    }),
  },
  unit: {
    doc: 'Its unit, such as s, By or {request}',
    value: 'UNIT',
    only: 'explain',
    take: (draft, value) => {
      draft.explain.unit = value
      return undefined
    },
  },
  strategy: {
    doc: 'A translation_strategy, instead of that of the config',
    value: 'STRATEGY',
    only: 'explain',
    take: oneOf(STRATEGIES, (draft, word) => {
      draft.explain.strategy = word
    }),
  },
  namespace: {
    doc: 'A namespace, instead of that of the config',
    value: 'NAMESPACE',
    only: 'explain',
    take: (draft, value) => {
      draft.explain.namespace = value
      return undefined
    },
  },
  attribute: {
    doc: 'An attribute whose label is wanted. May repeat',
    value: 'KEY',
    only: 'explain',
    take: (draft, value) => void draft.explain.attributes.push(value.replace(/=.*/s, '')),
  },
  help: {
    doc: 'Prints this text',
    take: draft => {
      draft.command = 'help'
      return undefined
    },
  },
  version: {
    doc: 'Prints the version',
    take: draft => {
      draft.command = 'version'
      return undefined
    },
  },
}

const SHORT: Readonly<Record<string, string>> = { h: 'help', v: 'version' }

function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word)
}

/** Reads the words behind the program's name. */
export function parseCommandLine(argv: readonly string[]): CommandLine | UsageError {
  const draft: Draft = {
    command: undefined,
    sources: [],
    sets: [],
    gates: [],
    rest: [],
    mode: 'redacted',
    format: 'yaml',
    explain: { attributes: [] },
  }
  const used = new Set<string>()
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    if (!word.startsWith('-')) {
      const wrong = takeWord(draft, word)
      if (wrong !== undefined) return { error: wrong }
      continue
    }
    const [, written = '', given] = /^--?([^=]*)(?:=(.*))?$/s.exec(word)!
    const name = SHORT[written] ?? written
    const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name]! : undefined
    if (flag === undefined) return { error: unknownFlag(word, name) }
    if (flag.value === undefined && given !== undefined) return { error: `--${name} takes no value` }
    const value = flag.value === undefined ? '' : (given ?? argv[++i])
    if (value === undefined) return { error: `--${name} needs a value: --${name} ${flag.value}` }
    const wrong = flag.take(draft, value)
    if (wrong !== undefined) return { error: `--${name}: ${wrong}` }
    used.add(name)
  }
  return finish(draft, used)
}

/** Commands with words behind them. */
const TAKE_WORDS: readonly CommandName[] = ['explain', 'featuregate', 'help', 'version']

function takeWord(draft: Draft, word: string): string | undefined {
  if (draft.command === undefined) {
    if (isCommand(word)) {
      draft.command = word
      return undefined
    }
    const hint = /\.ya?ml$/.test(word) ? `to run with this config write --config ${word}` : undefined
    return `unknown command "${word}"; ${hint ?? didYouMean(word, Object.keys(COMMANDS))}`
  }
  if (!TAKE_WORDS.includes(draft.command)) {
    return `"${word}" is one word too many behind ${draft.command}; a config is given as --config ${word}`
  }
  draft.rest.push(word)
  return undefined
}

function unknownFlag(word: string, name: string): string {
  return `unknown flag ${word.replace(/=.*$/s, '')}; ${didYouMean(name, Object.keys(FLAGS)).replace(/"(.+)"/, '"--$1"')}`
}

function finish(draft: Draft, used: ReadonlySet<string>): CommandLine | UsageError {
  const command = draft.command ?? 'run'
  for (const name of used) {
    const only = FLAGS[name]!.only
    if (only !== undefined && only !== command && command !== 'help' && command !== 'version') {
      return { error: `--${name} belongs to the command ${only}` }
    }
  }
  const { sources, sets, gates, rest, explain, mode, format, shutdownTimeoutMs, watch } = draft
  const options = {
    mode,
    format,
    ...(shutdownTimeoutMs === undefined ? {} : { shutdownTimeoutMs }),
    ...(watch === undefined ? {} : { watch }),
  }
  return { command, sources, sets, gates, rest, options, explain }
}

/** What `--help` prints. */
export function helpText(): string {
  const lines = ['A telemetry gateway that reads the configs of the OpenTelemetry Collector.', '', 'Usage:']
  lines.push('  sluice [run] --config FILE [flags]', '  sluice COMMAND [flags]', '', 'Commands:')
  for (const [name, doc] of Object.entries(COMMANDS)) lines.push(`  ${name.padEnd(14)}${doc}`)
  lines.push('', 'Flags:')
  for (const [name, { value, doc, only }] of Object.entries(FLAGS)) {
    const written = `--${name}${value === undefined ? '' : ` ${value}`}`
    lines.push(`  ${written.padEnd(27)} ${doc}${only === undefined ? '' : ` (${only})`}`)
  }
  lines.push('', 'Exit codes:')
  lines.push(`  ${EXIT_OK}  done as asked`)
  lines.push(`  ${EXIT_FAILED}  the config is wrong, or the gateway could not start or had to give up`)
  lines.push(`  ${EXIT_USAGE}  the command line is wrong`, '')
  return lines.join('\n')
}
