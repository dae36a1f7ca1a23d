/** `print-config`: the config in effect, with every default, and secrets redacted unless asked otherwise. */

import { printYaml } from '../../config/yaml.ts'
import type { Factory } from '../../core/component/contract.ts'
import { type TelemetryConfig, telemetryConfig } from '../../core/telemetry/config.ts'
import type { CatalogEntry } from '../catalog.ts'
import { type CommandLine, EXIT_FAILED, EXIT_OK } from '../cli.ts'
import type { ComponentConfig, GatewayConfig, Reference } from '../gateway-config.ts'
import type { CommandIo } from './io.ts'
import { openOrExplain } from './validate.ts'

export async function printConfig(
  line: CommandLine,
  io: CommandIo,
  catalog: readonly CatalogEntry[],
): Promise<number> {
  const config = await openOrExplain(line, io, catalog)
  if (config === undefined) return EXIT_FAILED
  const plain = plainConfig(config, line.options.mode === 'unredacted')
  io.out(line.options.format === 'json' ? printJson(plain) : printYaml(plain))
  return EXIT_OK
}

/** As it could be written in a file, sections without a component left out. */
export function plainConfig(
  config: GatewayConfig<TelemetryConfig>,
  reveal: boolean,
): Record<string, unknown> {
  const ids = (references: readonly Reference[]): string[] => references.map(({ id }) => id)
  const components = (of: ReadonlyMap<string, ComponentConfig<Factory>>) =>
    [...of].map(([id, one]) => [id, one.factory.config.print(one.config, reveal)] as const)
  const kinds = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const
  const sections = kinds
    .map(kind => [kind, components(config[kind])] as const)
    .filter(([, entries]) => entries.length > 0)
    .map(([kind, entries]) => [kind, Object.fromEntries(entries)] as const)
  const { extensions, pipelines, telemetry, workers } = config.service
  return {
    ...Object.fromEntries(sections),
    service: {
      extensions: ids(extensions),
      pipelines: Object.fromEntries(
        pipelines.map(({ id, receivers, processors, exporters }) => [
          id,
          { receivers: ids(receivers), processors: ids(processors), exporters: ids(exporters) },
        ]),
      ),
      telemetry: telemetryConfig.print(telemetry, reveal),
      // The Collector refuses keys of service that it does not know: it can read back what is printed for its own.
      ...(workers === 1 ? {} : { workers }),
    },
  }
}

// ES2025; the compiler's library does not list it yet.
const { rawJSON: rawJson } = JSON as JSON & { rawJSON(text: string): unknown }

/** JSON has neither NaN nor infinities: they become texts. 64-bit numbers keep their digits. */
function printJson(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_, one: unknown) => {
      if (typeof one === 'bigint') return rawJson(String(one))
      return typeof one === 'number' && !Number.isFinite(one) ? String(one) : one
    },
    2,
  )
  return `${text}\n`
}
