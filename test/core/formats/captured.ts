/**
 * What the translators of the Collector 0.155.0 made of the messages of cases.ts, written by
 * test/collector/formats.collector.ts.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Answer, Operation } from '../../services/translator.ts'

export const CAPTURED = fileURLToPath(new URL('captured.json.gz', import.meta.url))

export interface CapturedCase {
  readonly operation: Operation
  /** base64 */
  readonly message: string
  readonly answer: Answer
}

export function capturedCases(): CapturedCase[] {
  return JSON.parse(gunzipSync(readFileSync(CAPTURED)).toString())
}
