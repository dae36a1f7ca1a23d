/** The Collector's translators of span formats, built from Go modules: what core/formats is compared with. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cached, cached } from './cache.ts'
import { complete } from './process.ts'

export const OPERATIONS = [
  'to_jaeger_proto',
  'to_jaeger_json',
  'to_zipkin_json',
  'to_zipkin_proto',
  'from_jaeger_proto',
  'from_jaeger_json',
  'from_zipkin_json',
  'from_zipkin_json_parsed',
  'from_zipkin_proto',
  'from_zipkin_thrift',
] as const
export type Operation = (typeof OPERATIONS)[number]

export interface Question {
  readonly operation: Operation
  readonly message: Uint8Array
}

/** Bytes are base64. */
export interface Answer {
  readonly records?: readonly { readonly key?: string; readonly value: string }[]
  readonly otlp?: string
  readonly error?: string
}

const source = fileURLToPath(new URL('translator/', import.meta.url))

const TRANSLATOR: Cached = {
  what: "the Collector's translators",
  takes: 'about a minute',
  name: 'translator',
  pinnedBy: ['main.go', 'go.mod', 'go.sum'].map(name => source + name),
  proof: 'translator',
  async make(folder) {
    const program = join(folder, 'translator')
    const flags = ['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', program, '.']
    await complete('go', flags, { cwd: source, env: { CGO_ENABLED: '0', GOFLAGS: '' } })
  },
}

/** Path of the program; builds it the first time. Throws when there is no Go to build it with. */
export async function translatorProgram(): Promise<string> {
  return join(await cached(TRANSLATOR), 'translator')
}

/** One answer for each question. */
export function translate(program: string, questions: readonly Question[]): Answer[] {
  const input = questions.map(
    ({ operation, message }) => `${operation} ${Buffer.from(message).toString('base64')}\n`,
  )
  const { status, stdout, stderr } = spawnSync(program, { input: input.join(''), maxBuffer: 2 ** 30 })
  if (status !== 0) throw new Error(`the translator ended with ${status}: ${stderr}`)
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}
