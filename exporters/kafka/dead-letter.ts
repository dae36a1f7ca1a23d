/** Where a single item goes that is too large for its topic: another topic, a file, or nowhere. */

import { appendFile, mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { requestToJsonBytes } from '../../core/otlp/json.ts'
import type { Signal } from '../../core/otlp/signals.ts'
import type { KafkaHeader, KafkaMessage } from '../../core/transport/kafka/client.ts'
import { OneAtATime } from '../../core/transport/kafka/one-at-a-time.ts'
import { KafkaProblem } from '../../core/transport/kafka/problem.ts'
import type { DeadLetterConfig } from './config.ts'

export interface Letter {
  readonly signal: Signal
  /** The topic that it was too large for. */
  readonly topic: string
  readonly message: KafkaMessage
  /** The item as a request. */
  readonly request: Uint8Array
}

export type DeadLetters = {
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

/** The record as it would have been, with headers that say where it belongs. */
class DeadLetterTopic implements DeadLetters {
  readonly #topic: string
  readonly #produce: (topic: string, message: KafkaMessage) => Promise<void>

  constructor(topic: string, produce: (topic: string, message: KafkaMessage) => Promise<void>) {
    this.#topic = topic
    this.#produce = produce
  }

  async take({ topic, message }: Letter): Promise<boolean> {
    const headers: KafkaHeader[] = [
      ...message.headers,
      { name: 'sluice.reason', value: Buffer.from('too_large') },
      { name: 'sluice.topic', value: Buffer.from(topic) },
    ]
    try {
      await this.#produce(this.#topic, { ...message, headers })
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

  take({ request, signal }: Letter): Promise<boolean> {
    const line = Buffer.concat([requestToJsonBytes(request, signal), NEWLINE])
    return this.#queue.run(() => this.#append(line))
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
