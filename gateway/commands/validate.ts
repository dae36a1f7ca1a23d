/** `validate`: every mistake and warning on its own line of stderr. */

import { formatProblem } from '../../config/node.ts'
import type { TelemetryConfig } from '../../core/telemetry/config.ts'
import type { CatalogEntry } from '../catalog.ts'
import { type CommandLine, EXIT_FAILED, EXIT_OK } from '../cli.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { DEFAULT_CONFIG, openConfig } from '../open-config.ts'
import type { CommandIo } from './io.ts'

export async function validate(
  line: CommandLine,
  io: CommandIo,
  catalog: readonly CatalogEntry[],
): Promise<number> {
  const config = await openOrExplain(line, io, catalog)
  if (config === undefined) return EXIT_FAILED
  io.out('The config is valid.\n')
  return EXIT_OK
}

/** The config, or undefined after saying what is wrong with it. */
export async function openOrExplain(
  { sources, sets, gates }: CommandLine,
  io: CommandIo,
  catalog: readonly CatalogEntry[],
): Promise<GatewayConfig<TelemetryConfig> | undefined> {
  const from = { sources: sources.length === 0 ? [DEFAULT_CONFIG] : sources, sets, gates }
  const { config, check } = await openConfig(from, io, catalog)
  for (const problem of check.problems) io.err(`${formatProblem(problem)}\n`)
  if (config === undefined) {
    const count = check.problems.filter(({ severity }) => severity === 'error').length
    io.err(`${count} ${count === 1 ? 'mistake' : 'mistakes'} in the config.\n`)
  }
  return config
}
