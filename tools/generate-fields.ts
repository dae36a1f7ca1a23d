/**
 * Writes two files from the OTLP .proto files in `test/proto`: `core/otlp/fields.ts`, field numbers and enum values as
 * constants, and `core/otlp/messages.ts`, every field of every message with its type, for code that walks by a table.
 * Run by `npm run docs`; `test/tools/generated.test.ts` fails when a committed file is not what this writes.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = fileURLToPath(new URL('../', import.meta.url))

const FILES = ['trace/v1/trace_service', 'metrics/v1/metrics_service', 'logs/v1/logs_service'].map(
  name => `opentelemetry/proto/collector/${name}.proto`,
)

/** Profiles pass through as bytes: nothing needs their field numbers by name, but the door checks them too. */
const PROFILES = 'opentelemetry/proto/collector/profiles/v1development/profiles_service.proto'

function load(files: readonly string[]): protobuf.Root {
  const schema = new protobuf.Root()
  schema.resolvePath = (_origin, target) => `${root}test/proto/${target}`
  schema.loadSync([...files])
  schema.resolveAll()
  return schema
}

/** Every message of the schema with the name it has in the generated files: nested ones carry their parent's. */
function messagesOf(space: protobuf.NamespaceBase, prefix = ''): [name: string, type: protobuf.Type][] {
  return space.nestedArray.flatMap(child => {
    if (child instanceof protobuf.Type) {
      if (child.name.includes('Response') || child.name.includes('Partial')) return []
      const name = prefix + child.name
      return [[name, child] as [string, protobuf.Type], ...messagesOf(child, name)]
    }
    return child instanceof protobuf.Namespace ? messagesOf(child, prefix) : []
  })
}

export function generateMessages(): string {
  const messages = messagesOf(load([...FILES, PROFILES]))
  const nameOf = new Map(messages.map(([name, type]) => [type, name]))
  const lines = [
    '/**',
    ' * The fields of every OTLP message. Generated from test/proto by tools/generate-fields.ts; do not edit.',
    ' */',
    '',
    "export type FieldShape = readonly [number: number, type: string, repeated?: 'repeated']",
    '',
    "/** Field name to its number and type: a scalar's proto name, `enum`, or the name of a message of this table. */",
    'export const MESSAGES: Readonly<Record<string, Readonly<Record<string, FieldShape>>>> = {',
  ]
  for (const [name, type] of messages) {
    lines.push(`  ${name}: {`)
    for (const field of type.fieldsArray) {
      const of = field.resolvedType
      const word = of instanceof protobuf.Type ? nameOf.get(of)! : of === null ? field.type : 'enum'
      lines.push(`    ${field.name}: [${field.id}, '${word}'${field.repeated ? ", 'repeated'" : ''}],`)
    }
    lines.push('  },')
  }
  return `${lines.join('\n')}\n}\n`
}

export function generateFields(): string {
  const schema = load(FILES)
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

if (import.meta.main) {
  writeFileSync(`${root}core/otlp/fields.ts`, generateFields())
  writeFileSync(`${root}core/otlp/messages.ts`, generateMessages())
}
