/** The console encoding: a JSON log line as people read it. */

const COLOURS: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 }

/** Fields that are shown in front of the message, or below it. */
const SHOWN_ELSEWHERE = new Set([
  'level',
  'ts',
  'msg',
  'stacktrace',
  'resource',
  'otelcol.component.kind',
  'otelcol.component.id',
  'otelcol.signal',
])

/** `2026-11-22T19:56:31.355Z info  receiver/otlp: Listening endpoint=127.0.0.1:4317`, with a newline at its end. */
export function consoleLine(json: string, colour: boolean): string {
  const line = JSON.parse(json) as Record<string, unknown>
  const level = String(line['level'])
  const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
  const part = partOf(line)
  let text = `${paint(90, String(line['ts']))} ${paint(COLOURS[level] ?? 0, level.padEnd(5))} `
  if (part !== '') text += `${paint(90, `${part}:`)} `
  text += readable(String(line['msg'] ?? ''))
  for (const [key, value] of Object.entries(line)) {
    if (!SHOWN_ELSEWHERE.has(key)) text += ` ${paint(90, `${key}=`)}${shown(value)}`
  }
  if (line['stacktrace'] !== undefined) text += `\n  ${readable(String(line['stacktrace']))}`
  return `${text}\n`
}

function partOf(line: Record<string, unknown>): string {
  const names = [line['otelcol.component.kind'], line['otelcol.component.id'], line['otelcol.signal']]
  return readable(names.filter(name => name !== undefined).join('/'))
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[\x21\x23-\x7e]+$/.test(value)) return value
  return escapeControls(JSON.stringify(value) ?? 'undefined')
}

/** Further lines of a message are set in, so that no text from outside can pass for a log line. */
function readable(text: string): string {
  return escapeControls(text.replaceAll('\t', '  ')).replaceAll('\n', '\n  ')
}

function escapeControls(text: string): string {
  return text.replaceAll(
    /[\x00-\x09\x0b-\x1f\x7f-\x9f]/g,
    char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
