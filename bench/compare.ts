/**
 * `npm run bench:compare`: runs the load benchmark and judges its ratios against bench/baseline.json; with a JSON file
 * that `npm run bench -- --out` wrote, judges that, against the baseline in a second file where there is one. Takes the options of `npm run bench` that select. Exit code 1: a
 * ratio got 15 % worse, or the run had problems; 2: too noisy to judge.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { benchArgs, UsageError } from './args.ts'
import { machineDifferences, readBaseline } from './baseline.ts'
import { load } from './load/all.ts'
import { print } from './load/print.ts'
import { ratiosOf } from './load/ratios.ts'
import type { LoadReport } from './load/report.ts'
import { compare, exitCode, explain } from './verdict.ts'

/** What is run when nothing is selected: one small and one large request through every pipeline, a few minutes. */
const USUAL = ['--case', 'nop,edit,export', '--spans', '10,100,512', '--encoding', 'plain']

async function reportOf(argv: readonly string[]): Promise<LoadReport> {
  const [file] = argv
  if (file?.endsWith('.json')) {
    const { load } = JSON.parse(readFileSync(file, 'utf8')) as { load?: LoadReport }
    if (load === undefined)
      throw new UsageError(`${file} has no load figures; write it with npm run bench -- load --out`)
    return load
  }
  const selecting = argv.some(word =>
    ['--case', '--spans', '--encoding', '--quick'].includes(word.split('=')[0]!),
  )
  const args = benchArgs(selecting ? ['load', ...argv] : ['load', ...USUAL, ...argv])
  if (args.updateBaseline || args.publish || args.fetch || args.out !== undefined)
    throw new UsageError(
      'bench:compare only compares; --out, --publish and --update-baseline are for npm run bench',
    )
  const report = await load(args.load!)
  print(report)
  return report
}

/** The exit code; what there is to say is said line by line. */
export async function main(argv: readonly string[], say: (text: string) => void): Promise<number> {
  try {
    const baseline = readBaseline(argv[0]?.endsWith('.json') ? argv[1] : undefined)
    const report = await reportOf(argv)
    const comparison = compare(baseline.ratios, ratiosOf(report))
    say(`\nCompared with the baseline of ${baseline.at} (${baseline.preset}):`)
    for (const line of machineDifferences(baseline.machine, report.machine)) say(`  ${line}`)
    say(explain(comparison))
    if (report.problems.length === 0) return exitCode(comparison)
    say('The run had problems: its figures mean nothing.')
    return 1
  } catch (error) {
    if (!(error instanceof Error)) throw error
    say(`bench:compare: ${error instanceof UsageError ? error.message : error.stack}`)
    return 2
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exit(await main(process.argv.slice(2), text => console.log(text)))
