/** Configs, good and bad: what the Collector accepts Sluice accepts, and what it refuses Sluice refuses. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCommandLine } from '../../gateway/cli.ts'
import { runCommand } from '../../gateway/commands/index.ts'
import { need } from '../services/cache.ts'
import { collectorProgram } from '../services/collector.ts'
import { run } from '../services/process.ts'
import { AUTH_CASES } from './auth-cases.ts'
import { Comparison } from './comparison.ts'
import { CONFIG_CASES, type ConfigCase } from './config-cases.ts'
import { COUNT_CASES } from './config-cases-count.ts'

const CASES = [...CONFIG_CASES, ...AUTH_CASES, ...COUNT_CASES]

/** Processes at once. */
const AT_ONCE = 3

function flagsOf({ configs, sets = [], gates = [] }: ConfigCase): string[] {
  return [
    ...configs.map(config => `--config=yaml:${config}`),
    ...sets.map(set => `--set=${set}`),
    ...gates.map(gate => `--feature-gates=${gate}`),
  ]
}

interface Verdict {
  readonly accepted: boolean
  /** What was said, for whoever reads a failure. */
  readonly said: string
}

async function askSluice(one: ConfigCase, cwd: string): Promise<Verdict> {
  const line = parseCommandLine(['validate', ...flagsOf(one)])
  if ('error' in line) return { accepted: false, said: line.error }
  let said = ''
  const hear = (text: string): void => void (said += text)
  const code = await runCommand(line, { out: hear, err: hear, env: { ...one.env }, cwd })
  return { accepted: code === 0, said }
}

async function askCollector(program: string, one: ConfigCase, cwd: string): Promise<Verdict> {
  const running = run(program, ['validate', ...flagsOf(one)], { cwd, env: { ...one.env } })
  const code = await running.ended
  return { accepted: code === 0, said: running.output() }
}

// Scenario: `validate` of both is given the same configs, environment and flags.
// Guarantees: the same verdict on each, but for the list of differences.
test('validate', { timeout: 300_000 }, async t => {
  const program = await need(t, 'the Collector', collectorProgram)
  if (program === undefined) return
  const cwd = mkdtempSync(join(tmpdir(), 'sluice-config-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  const verdicts: [sluice: Verdict, collector: Verdict][] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < CASES.length) {
      const i = next++
      const one = CASES[i]!
      verdicts[i] = [await askSluice(one, cwd), await askCollector(program, one, cwd)]
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  const comparison = new Comparison('config')
  for (const [i, one] of CASES.entries()) {
    const [sluice, collector] = verdicts[i]!
    await t.test(one.name, t => {
      try {
        comparison.same(one.name, { accepted: sluice.accepted }, { accepted: collector.accepted })
      } catch (error) {
        t.diagnostic(`Sluice: ${sluice.said}\nthe Collector: ${collector.said}`)
        throw error
      }
    })
  }
  comparison.end()
})
