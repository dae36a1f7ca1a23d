/** What `npm start` prints: where to point an SDK, where the data goes, where to look. */

import { resolve } from 'node:path'
import type { RunningGateway } from './run.ts'

/** Only for the default config: a config of one's own knows what is in it. */
export function welcome({ addresses, config }: RunningGateway): string {
  const http = addresses.get('receiver/otlp/http')
  const grpc = addresses.get('receiver/otlp/grpc')
  const lines: [string, string][] = []
  if (http !== undefined) {
    lines.push(['Point an SDK at it', `OTEL_EXPORTER_OTLP_ENDPOINT=http://${http}`])
    lines.push(['', 'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf'])
  }
  if (grpc !== undefined) {
    lines.push([
      http === undefined ? 'Point an SDK at it' : 'or over gRPC',
      `OTEL_EXPORTER_OTLP_ENDPOINT=http://${grpc}`,
    ])
    lines.push(['', 'OTEL_EXPORTER_OTLP_PROTOCOL=grpc'])
  }
  for (const { id, config: settings } of config.exporters.values()) {
    const { path } = settings as { path?: unknown }
    if (id.startsWith('file') && typeof path === 'string') lines.push(['What arrives is in', resolve(path)])
  }
  const metrics = addresses.get('telemetry/metrics')
  if (metrics !== undefined) lines.push(['Its own metrics', metrics])
  const health = addresses.get('extension/health_check/http')
  if (health !== undefined) lines.push(['Its health', `http://${health}`])
  lines.push(['Your own config', 'npm start -- --config FILE   (more of them in config/examples)'])
  lines.push(['To stop', 'Ctrl+C'])
  const body = lines.map(([label, value]) => `  ${label.padEnd(20)}${value}`).join('\n')
  return `\nSluice is running.\n\n${body}\n\n`
}
