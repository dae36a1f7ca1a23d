/** Makes topics before they are used: a broker needs a second for each dozen, and a gateway that stops does not wait. */

import { openProducer } from '../../core/transport/kafka/open.ts'
import { RecordingLog } from './parts.ts'

export async function makeTopics(brokers: readonly string[], topics: readonly string[]): Promise<void> {
  const producer = await openProducer(
    'platformatic',
    {
      brokers,
      clientId: 'test',
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 30_000,
      retries: 8,
      retryBackoffMs: 100,
      metadataMaxAgeMs: 600_000,
      log: new RecordingLog(),
    },
    { acks: 1, compression: 'none', compressionLevel: 0, createTopics: true, idempotent: false },
  )
  try {
    for (const topic of topics) await producer.topic(topic)
  } finally {
    await producer.close()
  }
}
