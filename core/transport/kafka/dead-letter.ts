/** Where a record goes that can be neither delivered nor left where it is: another topic, a file, or nowhere. */

import { appendFile, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { integer, section, text, type ValueOf } from '../../../config/schema.ts'
import type { KafkaHeader, KafkaMessage } from './client.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { KafkaProblem } from './problem.ts'

/** `what` says which records these are; `line` what a line of the file is. */
export function deadLetterSection(what: string, line: string) {
  return section(
    {
      topic: text({ default: '', doc: 'Topic that takes it.' }),
      file: text({ default: '', doc: `File it is appended to instead, as ${line}.` }),
      max_megabytes: integer({
        default: 100,
        min: 0,
        doc: 'The file takes no more once it is this large. 0 means no limit.',
      }),
    },
    {
      doc: `Sluice only: where ${what} goes. Without it the record is dropped and counted.`,
      check(value, report) {
        if (value.topic !== '' && value.file !== '')
          report.error('file', 'stands beside topic', 'keep one of them')
      },
    },
  )
}

export type DeadLetterConfig = ValueOf<ReturnType<typeof deadLetterSection>>

export interface Letter {
  /** Why, as a word: `too_large`. */
  readonly reason: string
  /** Where the record is from, or was to go. */
  readonly topic: string
  readonly message: KafkaMessage
  /** More headers that the record gets in the dead letter topic. */
  readonly headers?: readonly KafkaHeader[]
  /** The record as a line of JSON, without the line's end. */
  readonly line: () => Uint8Array
}

export interface DeadLetters {
  /** True when it was taken, false when there is no place for it. Throws a KafkaProblem when it may be tried again. */
  take(letter: Letter): Promise<boolean>
}

const MEBIBYTE = 1024 * 1024
const NEWLINE = Buffer.from('\n')

export function deadLetters(
  config: DeadLetterConfig,
  produce: (topic: string, message: KafkaMessage) => Promise<void>,
): DeadLetters {
  if (config.topic !== '') return new DeadLetterTopic(config.topic, produce)
  if (config.file !== '') return new DeadLetterFile(config.file, config.max_megabytes * MEBIBYTE)
  return { take: async () => false }
}

/** The record as it was, with headers that say where it belongs. */
class DeadLetterTopic implements DeadLetters {
  readonly #topic: string
  readonly #produce: (topic: string, message: KafkaMessage) => Promise<void>

  constructor(topic: string, produce: (topic: string, message: KafkaMessage) => Promise<void>) {
    this.#topic = topic
    this.#produce = produce
  }

  async take({ topic, reason, message, headers = [] }: Letter): Promise<boolean> {
    const all: KafkaHeader[] = [
      ...message.headers,
      { name: 'sluice.reason', value: Buffer.from(reason) },
      { name: 'sluice.topic', value: Buffer.from(topic) },
      ...headers,
    ]
    try {
      await this.#produce(this.#topic, { ...message, headers: all })
      return true
    } catch (error) {
      // Not even this topic takes it, and never will.
      if (error instanceof KafkaProblem && (error.kind === 'too large' || error.kind === 'refused'))
        return false
      throw error
    }
  }
}

class DeadLetterFile implements DeadLetters {
  readonly #path: string
  readonly #bytesMax: number
  readonly #queue = new OneAtATime()

  constructor(path: string, bytesMax: number) {
    this.#path = path
    this.#bytesMax = bytesMax
  }

  take({ line }: Letter): Promise<boolean> {
    const bytes = Buffer.concat([line(), NEWLINE])
    return this.#queue.run(() => this.#append(bytes))
  }

  async #append(line: Buffer): Promise<boolean> {
    try {
      await mkdir(dirname(this.#path), { recursive: true })
      const size = await stat(this.#path).then(
        ({ size }) => size,
        () => 0,
      )
      if (this.#bytesMax > 0 && size + line.length > this.#bytesMax) return false
      await appendFile(this.#path, line)
      return true
    } catch (cause) {
      throw new KafkaProblem('busy', `dead_letter.file ${this.#path}: ${(cause as Error).message}`, { cause })
    }
  }
}
