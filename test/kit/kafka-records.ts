/** What stands in topics, read by Python's librdkafka client (test/real/kafka/consume.py). */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { complete } from '../services/process.ts'
import { pythonTools } from '../services/python.ts'

const script = fileURLToPath(new URL('../real/kafka/consume.py', import.meta.url))

export interface KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly value: Buffer
  /** An OTLP value as the official protobuf classes write it again; null where the topic's name says nothing. */
  readonly message: Buffer | null
}

/** Everything in these topics, from the beginning to what is the end now; topics that are not there have nothing. */
export async function readTopics(
  brokers: readonly string[],
  topics: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<KafkaRecord[]> {
  const bin = await pythonTools('kafka')
  const all = { 'bootstrap.servers': brokers.join(','), ...settings }
  const printed = await complete(join(bin, 'python'), [script, JSON.stringify(all), ...topics])
  const lines = printed.split('\n').filter(line => line.startsWith('{'))
  return lines.map(line => {
    const { topic, partition, key, headers, value, message } = JSON.parse(line)
    const bytes = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'))
    return {
      topic,
      partition,
      key: bytes(key),
      headers: headers.map(([name, text]: [string, string | null]) => [name, String(bytes(text))]),
      value: Buffer.from(value, 'base64'),
      message: bytes(message),
    }
  })
}
