/** `npm run bench`; see bench/README.md, or `--quick` for a look. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { collectorProgram } from '../test/services/collector.ts'
import { rotelProgram } from '../test/services/rotel.ts'
import { type BenchArgs, benchArgs, HelpWanted, USAGE, UsageError } from './args.ts'
import { writeBaseline } from './baseline.ts'
import { publish } from './docs.ts'
import { load } from './load/all.ts'
import { print } from './load/print.ts'
import { micro } from './micro/all.ts'

function argsOrExit(): BenchArgs {
  try {
    return benchArgs(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    if (error instanceof HelpWanted) {
      console.log(USAGE)
      process.exit(0)
    }
    console.error(`bench: ${error.message}\n\n${USAGE}`)
    process.exit(2)
  }
}

const args = argsOrExit()
if (args.fetch) for (const get of [rotelProgram, collectorProgram]) console.log(`there: ${await get()}`)
const report = {
  at: new Date().toISOString(),
  quick: args.quick,
  micro: args.micro ? await micro(args.quick) : undefined,
  load: args.load === undefined ? undefined : await load(args.load),
}
if (report.load !== undefined) print(report.load)
if (args.out !== undefined) {
  mkdirSync(dirname(args.out), { recursive: true })
  writeFileSync(args.out, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`written: ${args.out}`)
}
if (report.load?.problems.length) {
  if (args.updateBaseline || args.publish)
    console.error('bench: a run with problems is neither baseline nor published')
  process.exit(1)
}
if (args.updateBaseline) console.log(`written: ${writeBaseline(report.load!)}`)
if (args.publish) for (const file of publish(report.load!)) console.log(`written: ${file}`)
process.exit(0)
