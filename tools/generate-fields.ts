/**
 * Writes `core/otlp/fields.ts` from the OTLP .proto files in `test/proto`: field numbers and enum values as constants.
 * Run by `npm run docs`; `test/tools/generated.test.ts` fails when the committed file is not what this writes.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = fileURLToPath(new URL('../', import.meta.url))

const FILES = ['trace/v1/trace_service', 'metrics/v1/metrics_service', 'logs/v1/logs_service'].map(
  name => `opentelemetry/proto/collector/${name}.proto`,
)

export function generateFields(): string {
  const schema = new protobuf.Root()
  schema.resolvePath = (_origin, target) => `${root}test/proto/${target}`
  schema.loadSync(FILES)
  const lines = [
    '/**',
    ' * Field numbers and enum values of OTLP. Generated from test/proto by tools/generate-fields.ts; do not edit.',
    ' */',
  ]
  const seen: string[] = []
  const visit = (space: protobuf.NamespaceBase, prefix: string): void => {
    for (const child of space.nestedArray) {
      const name = prefix + child.name
      if (
        child instanceof protobuf.Type &&
        !child.name.includes('Response') &&
        !child.name.includes('Partial')
      ) {
        lines.push('', `export const ${name} = {`)
        for (const field of child.fieldsArray) lines.push(`  ${field.name}: ${field.id},`)
        lines.push('} as const')
        seen.push(name)
        visit(child, name)
      } else if (child instanceof protobuf.Enum) {
        lines.push('', `export const ${name} = {`)
        for (const [word, value] of Object.entries(child.values)) lines.push(`  ${word}: ${value},`)
        lines.push('} as const')
      } else if (child instanceof protobuf.Namespace && !(child instanceof protobuf.Type)) {
        visit(child, prefix)
      }
    }
  }
  visit(schema, '')
  return `${lines.join('\n')}\n`
}

if (import.meta.main) writeFileSync(`${root}core/otlp/fields.ts`, generateFields())
