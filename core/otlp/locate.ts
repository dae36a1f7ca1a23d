/** Names the place of a byte in a request, for error messages. */

import { Cursor, LEN } from './cursor.ts'
import { MESSAGES } from './messages.ts'
import { REQUESTS, type Signal } from './signals.ts'

/** Deeply nested values have long paths; the middle of such a one says nothing. */
const STEPS_MAX = 16

/**
 * The path of the field that begins at `offset` or has it inside, as in `resourceSpans[0].scopeSpans[1].spans[7].name`.
 * What stands before `offset` must be well-formed; '' when `offset` is in no known field.
 */
export function locate(bytes: Uint8Array, signal: Signal, offset: number): string {
  const steps: string[] = []
  let message = REQUESTS[signal]
  let pos = 0
  let end = bytes.length
  for (;;) {
    const field = fieldAround(bytes, message, pos, end, offset)
    if (field === undefined) return pathOf(steps)
    steps.push(field.step)
    if (field.tagStart === offset || !(field.type in MESSAGES)) return pathOf(steps)
    message = field.type
    pos = field.start
    end = Math.min(field.stop, end)
  }
}

function pathOf(steps: readonly string[]): string {
  if (steps.length <= STEPS_MAX) return steps.join('.')
  return `${steps.slice(0, STEPS_MAX - 2).join('.')}...${steps.slice(-2).join('.')}`
}

function fieldAround(bytes: Uint8Array, message: string, pos: number, end: number, offset: number) {
  const shapes = Object.entries(MESSAGES[message]!)
  const seen = new Map<string, number>()
  const cursor = new Cursor(bytes, pos, end)
  while (cursor.next()) {
    const shape = shapes.find(([, [number]]) => number === cursor.field)
    if (shape !== undefined) {
      const [name, [, type, repeated]] = shape
      const nth = seen.get(name) ?? 0
      seen.set(name, nth + 1)
      if (!(cursor.stop <= offset)) {
        const step = repeated ? `${name}[${nth}]` : name
        const inside = cursor.wire === LEN ? type : ''
        return { step, type: inside, tagStart: cursor.tagStart, start: cursor.start, stop: cursor.stop }
      }
    } else if (!(cursor.stop <= offset)) return undefined
  }
  return undefined
}
