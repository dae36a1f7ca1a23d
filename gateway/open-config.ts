/** From `--config` and `--set` to a config that was understood, or a list of what is wrong with it. */

import { loadConfig } from '../config/load.ts'
import type { Check, Problem } from '../config/node.ts'
import type { Surroundings } from '../config/sources.ts'
import type { TelemetryConfig } from '../core/telemetry/config.ts'
import { CATALOG, type CatalogEntry } from './catalog.ts'
import { readGates } from './gates.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { readConfig } from './read-config.ts'

export interface OpenedConfig {
  /** Undefined when `check.failed`. */
  readonly config: GatewayConfig<TelemetryConfig> | undefined
  /** Mistakes and warnings, in the order of the files. */
  readonly check: Check
}

export interface ConfigSources {
  readonly sources: readonly string[]
  readonly sets: readonly string[]
  readonly gates: readonly string[]
}

/** Never throws for what is written in a config; every mistake is in `check`. */
export async function openConfig(
  { sources, sets, gates }: ConfigSources,
  surroundings: Surroundings,
  catalog: readonly CatalogEntry[] = CATALOG,
): Promise<OpenedConfig> {
  const { enabled, warnings } = readGates(gates)
  const append = enabled('confmap.enableMergeAppendOption')
  const { root, complete, check } = loadConfig(sources, sets, { ...surroundings, append })
  for (const warning of warnings) check.warn({ file: 'command line', line: 1, column: 1 }, '', warning)
  // A file that could not be read would be followed by complaints about everything that is not in it.
  const config = complete ? await readConfig(root, catalog, check, { gate: enabled }) : undefined
  tidy(check.problems)
  return { config: check.failed ? undefined : config, check }
}

/** File by file, from top to bottom; of several things said of one value the first, which the others follow from. */
function tidy(problems: Problem[]): void {
  const files = [...new Set(problems.map(problem => problem.at.file))]
  const said = new Set<string>()
  const kept = problems
    .filter(({ at, path }) => {
      const place = JSON.stringify([at.file, at.line, at.column, path])
      return !said.has(place) && said.add(place)
    })
    .sort(
      (a, b) =>
        files.indexOf(a.at.file) - files.indexOf(b.at.file) ||
        a.at.line - b.at.line ||
        a.at.column - b.at.column,
    )
  problems.splice(0, problems.length, ...kept)
}
