/** The Python zero-code application of test/real/python. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { complete } from '../services/process.ts'

const app = fileURLToPath(new URL('../real/python/app.py', import.meta.url))

/** Runs it to its end. What it sends is also appended to files `<sent>.<signal>`, each request behind its length. */
export async function runPythonApp(
  bin: string,
  { grpc, http }: { readonly grpc: string; readonly http: string },
  protocol: 'grpc' | 'http/protobuf',
  sent: string,
): Promise<void> {
  const output = await complete(join(bin, 'opentelemetry-instrument'), [join(bin, 'python'), app], {
    env: {
      SENT: sent,
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${protocol === 'grpc' ? grpc : http}`,
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED: 'true',
    },
  })
  assert.doesNotMatch(output, /Failed to export|Transient error/)
}

/** The requests in such a file. */
export function requestsIn(path: string): Uint8Array[] {
  const bytes = readFileSync(path)
  const requests: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at)
    requests.push(bytes.subarray(at + 4, end))
    at = end
  }
  return requests
}
