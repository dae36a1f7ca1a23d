/** Loads the client that the config names; the other stays on disk. */

import type { KafkaClientName, KafkaConnection, KafkaProducer, KafkaProducing } from './client.ts'

export async function openProducer(
  client: KafkaClientName,
  connection: KafkaConnection,
  producing: KafkaProducing,
): Promise<KafkaProducer> {
  if (client === 'platformatic') {
    const { platformaticProducer } = await import('./platformatic.ts')
    return platformaticProducer(connection, producing)
  }
  const { kafkaJsProducer } = await import('./kafkajs.ts')
  return kafkaJsProducer(connection, producing)
}
