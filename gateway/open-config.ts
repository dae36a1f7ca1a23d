/** From `--config` and `--set` to a config that was understood, or a list of what is wrong with it. */

import type { Check } from '../config/node.ts'
import type { CatalogEntry } from './catalog.ts'
import type { GatewayConfig } from './gateway-config.ts'

export interface OpenedConfig {
  /** Undefined when `check.failed`. */
  readonly config: GatewayConfig | undefined
  readonly check: Check
}

export interface ConfigSources {
  readonly sources: readonly string[]
  readonly sets: readonly string[]
  readonly gates: readonly string[]
}

/** Never throws for what is written in a config; every mistake is in `check`. */
export async function openConfig(
  _from: ConfigSources,
  _io: { readonly env: NodeJS.ProcessEnv; readonly cwd: string },
  _catalog: readonly CatalogEntry[],
): Promise<OpenedConfig> {
  throw new Error('not there yet')
}
