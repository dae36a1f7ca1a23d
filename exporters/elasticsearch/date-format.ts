/** The part of strftime that names of indices need, in UTC. */

const two = (value: number): string => String(value).padStart(2, '0')

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const
const DAY_MS = 86_400_000

const WORDS: Readonly<Record<string, (at: Date) => string>> = {
  '%': () => '%',
  Y: at => String(at.getUTCFullYear()),
  y: at => two(at.getUTCFullYear() % 100),
  C: at => two(Math.floor(at.getUTCFullYear() / 100)),
  m: at => two(at.getUTCMonth() + 1),
  d: at => two(at.getUTCDate()),
  e: at => String(at.getUTCDate()).padStart(2),
  H: at => two(at.getUTCHours()),
  I: at => two(at.getUTCHours() % 12 || 12),
  M: at => two(at.getUTCMinutes()),
  S: at => two(at.getUTCSeconds()),
  p: at => (at.getUTCHours() < 12 ? 'AM' : 'PM'),
  j: at => String(dayOfYear(at)).padStart(3, '0'),
  A: at => DAYS[at.getUTCDay()]!,
  a: at => DAYS[at.getUTCDay()]!.slice(0, 3),
  B: at => MONTHS[at.getUTCMonth()]!,
  b: at => MONTHS[at.getUTCMonth()]!.slice(0, 3),
  h: at => MONTHS[at.getUTCMonth()]!.slice(0, 3),
  u: at => String(at.getUTCDay() || 7),
  w: at => String(at.getUTCDay()),
  V: at => two(isoWeek(at)),
  U: at => two(Math.floor((dayOfYear(at) + 6 - at.getUTCDay()) / 7)),
  Z: () => 'UTC',
  z: () => '+0000',
  F: at => formatDate('%Y-%m-%d', at),
  T: at => formatDate('%H:%M:%S', at),
  R: at => formatDate('%H:%M', at),
  D: at => formatDate('%m/%d/%y', at),
}

function dayOfYear(at: Date): number {
  return Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / DAY_MS) + 1
}

/** The week that has the Thursday: ISO 8601. */
function isoWeek(at: Date): number {
  const thursday = new Date(at.getTime() + (4 - (at.getUTCDay() || 7)) * DAY_MS)
  return Math.ceil(dayOfYear(thursday) / 7)
}

export function formatDate(format: string, at: Date): string {
  return format.replace(/%(.)/gs, (all, letter: string) => WORDS[letter]?.(at) ?? all)
}

/** What is wrong with a format, and what to write. */
export function dateFormatProblem(format: string): readonly [wrong: string, fix: string] | undefined {
  for (const [all, letter] of format.matchAll(/%(.?)/gs))
    if (letter === '' || WORDS[letter!] === undefined)
      return [`"${all}" is not a part of a date`, 'write %Y, %m, %d, %H and so on, or %% for %']
  return undefined
}
