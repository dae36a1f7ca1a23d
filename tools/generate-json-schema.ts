/**
 * Writes `core/otlp/json-schema.ts` from the OTLP .proto files in `test/proto`: what core/otlp/json.ts has to know of
 * each message. Run by `npm run docs`; `test/tools/generated.test.ts` fails when the committed file differs.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = fileURLToPath(new URL('../', import.meta.url))

const REQUESTS = [
  ['trace.v1', 'trace/v1/trace_service', 'ExportTraceServiceRequest'],
  ['metrics.v1', 'metrics/v1/metrics_service', 'ExportMetricsServiceRequest'],
  ['logs.v1', 'logs/v1/logs_service', 'ExportLogsServiceRequest'],
  ['profiles.v1development', 'profiles/v1development/profiles_service', 'ExportProfilesServiceRequest'],
] as const

/** Bytes that OTLP/JSON writes in hex instead of base64, and how many they are. */
const IDS: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8, profileId: 16 }

const HEAD = `/**
 * Fields of every OTLP message as OTLP/JSON needs them, in the order they are written: number, JSON name, kind, and
 * what it is of (a message's name, an enum, the size of an id). Generated from test/proto by
 * tools/generate-json-schema.ts; do not edit.
 */
`

/** \`Span.SpanKind\` is \`SpanSpanKind\` here and in fields.ts. */
function flatName(type: protobuf.ReflectionObject): string {
  const { parent } = type
  return parent instanceof protobuf.Type ? flatName(parent) + type.name : type.name
}

function kindOf(field: protobuf.Field): string {
  const base =
    field.resolvedType instanceof protobuf.Type
      ? 'message'
      : field.resolvedType instanceof protobuf.Enum
        ? 'enum'
        : field.name in IDS
          ? 'id'
          : field.type
  if (field.repeated) return `repeated ${base}`
  if (field.partOf === null) return base
  // A lone \`optional\` is a oneof of one to protobufjs; its name begins with an underscore.
  return `${field.partOf.name.startsWith('_') ? 'optional' : 'oneof'} ${base}`
}

/** The Collector's order: the .proto file's, but that an exemplar has its trace id before its span id, as spans do. */
function inOrder(type: protobuf.Type): readonly protobuf.Field[] {
  const fields = [...type.fieldsArray]
  const trace = fields.findIndex(field => field.name === 'traceId')
  const span = fields.findIndex(field => field.name === 'spanId')
  if (trace > span && span >= 0) fields.splice(span, 0, ...fields.splice(trace, 1))
  return fields
}

function row(field: protobuf.Field): string {
  const of =
    field.resolvedType instanceof protobuf.Type
      ? `'${flatName(field.resolvedType)}'`
      : field.resolvedType instanceof protobuf.Enum
        ? flatName(field.resolvedType)
        : IDS[field.name]
  return `[${field.id}, '${field.name}', '${kindOf(field)}'${of === undefined ? '' : `, ${of}`}]`
}

export function generateJsonSchema(): string {
  const schema = new protobuf.Root()
  schema.resolvePath = (_origin, target) => `${root}test/proto/${target}`
  schema.loadSync(REQUESTS.map(([, file]) => `opentelemetry/proto/collector/${file}.proto`))
  const seen = new Map<string, protobuf.Type>()
  const enums = new Set<string>()
  const visit = (type: protobuf.Type): void => {
    if (seen.has(flatName(type))) return
    seen.set(flatName(type), type)
    for (const field of type.fieldsArray) {
      field.resolve()
      if (field.resolvedType instanceof protobuf.Type) visit(field.resolvedType)
      if (field.resolvedType instanceof protobuf.Enum) enums.add(flatName(field.resolvedType))
    }
  }
  for (const [pack, , name] of REQUESTS) {
    visit(schema.lookupType(`opentelemetry.proto.collector.${pack}.${name}`))
  }
  const lines = [HEAD, `import { ${[...enums].sort().join(', ')} } from './fields.ts'`, '']
  lines.push('export type FieldRow = readonly [')
  lines.push('  number: number,', '  name: string,', '  kind: string,')
  lines.push('  of?: string | number | Readonly<Record<string, number>>,', ']', '')
  lines.push('export const JSON_SCHEMA: Readonly<Record<string, readonly FieldRow[]>> = {')
  for (const [name, type] of seen) {
    const rows = inOrder(type).map(row)
    if (rows.length === 1) lines.push(`  ${name}: [${rows[0]}],`)
    else lines.push(`  ${name}: [`, ...rows.map(one => `    ${one},`), '  ],')
  }
  return `${lines.join('\n')}\n}\n`
}

if (import.meta.main) writeFileSync(`${root}core/otlp/json-schema.ts`, generateJsonSchema())
