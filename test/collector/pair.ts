/** Sluice and the real Collector side by side: the same config, the same flags, the same requests, one process each. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { need } from '../services/cache.ts'
import { collectorProgram } from '../services/collector.ts'
import { freePort } from '../services/ports.ts'
import { type Running, run } from '../services/process.ts'

const main = fileURLToPath(new URL('../../gateway/start.js', import.meta.url))

export interface Side {
  readonly name: 'Sluice' | 'Collector'
  readonly running: Running
  /** Its own folder: what `@folder@` in the config stands for. */
  readonly folder: string
  /** The address `host:port` that `@name@` in the config stands for. */
  address(name: string): string
  /** SIGTERM, and an error unless it drained and ended well. */
  stop(): Promise<void>
}

export interface Pair {
  readonly sides: readonly [sluice: Side, collector: Side]
  /** The same done with both at once: what Sluice gave, what the Collector gave. */
  both<T>(act: (side: Side) => Promise<T>): Promise<[sluice: T, collector: T]>
  stop(): Promise<void>
}

export interface PairOptions {
  readonly env?: Readonly<Record<string, string>>
  /** More flags for both. */
  readonly flags?: readonly string[]
  /** Whether `yaml` has a service.telemetry of its own; otherwise there is none to be seen. */
  readonly telemetry?: boolean
  /** Done for each side before it starts, when its addresses are known. */
  readonly before?: (name: Side['name'], address: (word: string) => string) => Promise<void>
}

/** `@word@`: angle brackets and braces mean something in patterns and YAML. */
const PLACE = /@([a-z][\w-]*)(:port)?@/g
const QUIET = 'service: {telemetry: {metrics: {level: none}}}\n'

/**
 * Starts both with this config. `@folder@` in it is a folder of each side's own, `@any-other-name@` an address on
 * 127.0.0.1, also its own, and `@any-other-name:port@` its port. Undefined after skipping the test, when the Collector
 * cannot be had.
 */
export async function startPair(
  t: TestContext,
  yaml: string,
  options: PairOptions = {},
): Promise<Pair | undefined> {
  const program = await need(t, 'the Collector', collectorProgram)
  if (program === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'sluice-pair-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const sides = (await Promise.all([
    startSide('Sluice', process.execPath, [main], join(folder, 'sluice'), yaml, options),
    startSide('Collector', program, [], join(folder, 'collector'), yaml, options),
  ])) as [Side, Side]
  t.after(() => Promise.all(sides.map(side => side.running.stop('SIGKILL'))))
  await Promise.all(sides.map(side => side.running.printed(/Everything is ready/)))
  return {
    sides,
    both: act => Promise.all([act(sides[0]), act(sides[1])]),
    stop: async () => void (await Promise.all(sides.map(side => side.stop()))),
  }
}

async function startSide(
  name: Side['name'],
  program: string,
  args: readonly string[],
  folder: string,
  yaml: string,
  { env = {}, flags = [], telemetry = false, before }: PairOptions,
): Promise<Side> {
  mkdirSync(folder)
  const addresses = new Map<string, string>()
  for (const [, word] of yaml.matchAll(PLACE)) {
    if (word !== 'folder' && !addresses.has(word!)) addresses.set(word!, `127.0.0.1:${await freePort()}`)
  }
  const address = (word: string): string => addresses.get(word)!
  await before?.(name, address)
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    yaml.replaceAll(PLACE, (_, word, port) => {
      if (word === 'folder') return folder
      return port === undefined ? address(word) : address(word).split(':')[1]!
    }),
  )
  const quiet = telemetry ? [] : ['--config', `yaml:${QUIET}`]
  const running = run(program, [...args, '--config', config, ...quiet, ...flags], { env, cwd: folder })
  return {
    name,
    running,
    folder,
    address,
    async stop() {
      const code = await running.stop()
      if (code !== 0) throw new Error(`${name} ended with ${code}:\n${running.output()}`)
    },
  }
}
