/** `npm run bench -- [micro|load|all] [--quick] [--out file.json]`; see bench/README.md. */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { load } from './load/all.ts'
import { micro } from './micro/all.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, out: { type: 'string' } },
})
const what = positionals[0] ?? 'all'
if (!['micro', 'load', 'all'].includes(what)) {
  console.error(`bench: "${what}" is not a benchmark; write micro, load or all`)
  process.exit(2)
}

const report = {
  at: new Date().toISOString(),
  quick: values.quick,
  micro: what === 'load' ? undefined : await micro(values.quick),
  load: what === 'micro' ? undefined : await load(values.quick),
}
if (values.out !== undefined) {
  writeFileSync(values.out, `${JSON.stringify(report, null, 2)}\n`)
  console.log(`written: ${values.out}`)
}
process.exit(report.load?.problems.length ? 1 : 0)
