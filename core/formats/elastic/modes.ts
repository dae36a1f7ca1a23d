/** The mapping modes of the Collector's elasticsearch exporter (contrib exporter/elasticsearchexporter 0.155). */

export const MODES = ['otel', 'ecs', 'none', 'raw', 'bodymap'] as const
export type Mode = (typeof MODES)[number]

/** Request metadata, and an attribute of a scope, that ask for another mode than the config. */
export const MODE_METADATA = 'x-elastic-mapping-mode'
export const MODE_ATTRIBUTE = 'elastic.mapping.mode'

/** In any case; `no` and nothing mean `none`. Undefined for what is no mode. */
export function readMode(text: string): Mode | undefined {
  const lower = text.toLowerCase()
  if (lower === '' || lower === 'no') return 'none'
  return MODES.find(mode => mode === lower)
}
