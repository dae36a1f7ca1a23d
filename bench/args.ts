/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util'
import type { LoadOptions } from './load/all.ts'
import { CASES, DOORS, ENCODINGS, PRESETS, type Preset } from './load/cases.ts'
import { TARGET_NAMES } from './load/targets.ts'

export interface BenchArgs {
  readonly micro: boolean
  /** Undefined: no load. */
  readonly load: LoadOptions | undefined
  readonly quick: boolean
  readonly out: string | undefined
  readonly updateBaseline: boolean
  readonly publish: boolean
  readonly fetch: boolean
}

/** Something on the command line is wrong; the message says what and what there is. */
export class UsageError extends Error {}

/** The user asked for `USAGE`. */
export class HelpWanted extends UsageError {}

export const USAGE = `npm run bench -- [micro | load | all] [options]

  --quick               a look: few cells, three short rounds (under a minute for load)
  --case LIST           of load: ${CASES.join(', ')}
  --door LIST           ${DOORS.join(', ')}
  --spans LIST          spans a request, e.g. 10,512
  --encoding LIST       ${ENCODINGS.join(', ')}
  --target LIST         ${TARGET_NAMES.join(', ')}
  --rounds N            default 5
  --seconds N           of the paced case, for each server; default 5
  --rate N              spans a second of the paced case; default 20000
  --minutes N           no round is begun that would end later; default 40
  --out FILE            the figures as JSON
  --fetch               first build or fetch the peers that are missing (Collector: 7 minutes)
  --update-baseline     write bench/baseline.json from this run
  --publish             write docs/performance.* from this run
  --help                this`

const WHAT = ['micro', 'load', 'all']
const SPANS_MAX = 20_000

function listOf<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
): readonly T[] | undefined {
  if (text === undefined) return undefined
  const words = text.split(',').map(word => word.trim())
  for (const word of words) {
    if (!known.includes(word as T))
      throw new UsageError(`--${option}: there is no "${word}"; there are: ${known.join(', ')}`)
  }
  return known.filter(word => words.includes(word))
}

function numberOf(option: string, text: string, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text.trim()) || value < 1 || value > most)
    throw new UsageError(`--${option}: "${text}" is not a whole number from 1 to ${most}`)
  return value
}

/** Throws UsageError. */
export function benchArgs(argv: readonly string[]): BenchArgs {
  const { values, positionals } = parse(argv)
  if (values.help) throw new HelpWanted()
  const selecting = [
    'case',
    'door',
    'spans',
    'encoding',
    'target',
    'rounds',
    'seconds',
    'rate',
    'minutes',
  ] as const
  const asked = selecting.filter(option => values[option] !== undefined)
  const forLoad = asked.length > 0 || values['update-baseline'] || values.publish || values.fetch
  const what = positionals[0] ?? (forLoad ? 'load' : 'all')
  if (positionals.length > 1 || !WHAT.includes(what))
    throw new UsageError(`"${positionals.join(' ')}" is not a benchmark; there are: ${WHAT.join(', ')}`)
  if (what === 'micro' && forLoad)
    throw new UsageError(`micro takes --quick and --out only; the other options are for load`)
  const { quick, out } = values
  const common = {
    quick,
    out,
    updateBaseline: values['update-baseline'],
    publish: values.publish,
    fetch: values.fetch,
  }
  if (what === 'micro') return { micro: true, load: undefined, ...common }
  const preset: Preset = PRESETS[quick ? 'quick' : 'full']
  const count = (option: 'rounds' | 'seconds' | 'rate' | 'minutes', most: number, otherwise: number) =>
    values[option] === undefined ? otherwise : numberOf(option, values[option], most)
  const load: LoadOptions = {
    ...preset,
    preset: `${quick ? 'quick' : 'full'}${asked.map(option => ` --${option} ${values[option]}`).join('')}`,
    cases: listOf('case', values.case, CASES) ?? preset.cases,
    doors: listOf('door', values.door, DOORS) ?? preset.doors,
    encodings: listOf('encoding', values.encoding, ENCODINGS) ?? preset.encodings,
    spans: values.spans?.split(',').map(text => numberOf('spans', text, SPANS_MAX)) ?? preset.spans,
    targets: listOf('target', values.target, TARGET_NAMES),
    rounds: count('rounds', 100, preset.rounds),
    pacedSeconds: count('seconds', 600, preset.pacedSeconds),
    rate: count('rate', 10_000_000, preset.rate),
    minutes: count('minutes', 1000, preset.minutes),
  }
  return { micro: what === 'all', load, ...common }
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...{
          quick: flag,
          fetch: flag,
          help: flag,
          'update-baseline': flag,
          publish: flag,
          out: text,
          case: text,
        },
        ...{ door: text, spans: text, encoding: text, target: text, rounds: text, seconds: text, rate: text },
        minutes: text,
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}
