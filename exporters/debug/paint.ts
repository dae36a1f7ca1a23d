/** Colours for a terminal: headings stand out, keys step back, errors are red. */

const BOLD_CYAN = '1;36'
const BOLD = '1'
const GREY = '90'
const RED = '31'

function colour(code: string, text: string): string {
  return `\x1b[${code}m${text}\x1b[0m`
}

/** Telemetry comes from anybody: control characters in it must not reach a terminal. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    char => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

export function paint(text: string): string {
  return text
    .split('\n')
    .map(line => paintLine(line))
    .join('\n')
}

function paintLine(line: string): string {
  if (/^(?:Resource|Scope)\w+ #\d+|^(?:Traces|Metrics|Logs|Profiles)\t/.test(line))
    return colour(BOLD_CYAN, line)
  if (/^\w+ #\d+$/.test(line)) return colour(BOLD, line)
  if (/^ {4}Status code {4}: Error$/.test(line)) return colour(RED, line)
  const field = /^( +(?:-> )?[^:]+:)( .*)$/.exec(line)
  return field === null ? line : colour(GREY, field[1]!) + field[2]
}
