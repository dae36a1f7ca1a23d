/**
 * Gets what the tests with real servers need, before they run: no time limit of a test contains a build or a download.
 *
 *     node test/services/prepare.ts [NAME ...]
 *
 * Without names it gets everything, one after the other. What the environment names, and what an engine runs of an image
 * that it has, is left alone (docker.ts). What cannot be had is told in a line and makes no error, because its tests are
 * skipped with a reason; with SLUICE_NO_SKIP it is one.
 */

import { didYouMean } from '../../config/suggest.ts'
import { collectorProgram } from './collector.ts'
import { elasticsearch9Program, elasticsearchProgram } from './elasticsearch.ts'
import { jaegerProgram } from './jaeger.ts'
import { kafkaJars, kafkaProgram } from './kafka.ts'
import { prometheusProgram } from './prometheus.ts'
import { pythonTools } from './python.ts'
import { rotelProgram } from './rotel.ts'
import { translatorProgram } from './translator.ts'

/** What does nothing when it is there, and otherwise says what it does and for how long. */
const SERVICES: Readonly<Record<string, () => Promise<unknown>>> = {
  collector: collectorProgram,
  elasticsearch: elasticsearchProgram,
  'elasticsearch-9': elasticsearch9Program,
  jaeger: jaegerProgram,
  kafka: kafkaProgram,
  // Brokers on a disk of their own are never in a container.
  'kafka-jars': kafkaJars,
  prometheus: () => prometheusProgram('prometheus'),
  promtool: () => prometheusProgram('promtool'),
  python: pythonTools,
  'python-kafka': () => pythonTools('kafka'),
  rotel: rotelProgram,
  translator: translatorProgram,
}

const TROUBLE = /error|cannot|denied|ENOENT|no such|not found/i

/** One line of what a build printed, the first that looks like the reason. */
function reasonOf(error: unknown): string {
  const [said, ...output] = (error instanceof Error ? error.message : String(error)).trim().split('\n')
  const reason = output.find(line => TROUBLE.test(line)) ?? output.at(-1)
  return reason === undefined ? said! : `${said} ${reason.trim()}`
}

/** Returns the names of what cannot be had. */
async function prepare(names: readonly string[]): Promise<string[]> {
  const missing: string[] = []
  for (const name of names) {
    try {
      await SERVICES[name]!()
      console.log(`${name} is there`)
    } catch (error) {
      missing.push(name)
      console.log(`${name} cannot be had: ${reasonOf(error)}`)
      if (process.env['SLUICE_NO_SKIP']) console.error(error)
    }
  }
  return missing
}

const known = Object.keys(SERVICES)
const names = process.argv.slice(2)
const unknown = names.filter(name => !known.includes(name))
for (const name of unknown) console.error(`prepare: there is no ${name}; ${didYouMean(name, known)}`)
if (unknown.length > 0) process.exitCode = 2
else {
  const missing = await prepare(names.length > 0 ? names : known)
  if (missing.length > 0 && process.env['SLUICE_NO_SKIP']) process.exitCode = 1
}
