/** Loads the client that the config names; the other stays on disk. */

import type { KafkaClientName, KafkaConnection, KafkaProducer, KafkaProducing } from './client.ts'
import type { KafkaConsumer, KafkaConsuming, KafkaTopics } from './consumer.ts'

export async function openProducer(
  client: KafkaClientName,
  connection: KafkaConnection,
  producing: KafkaProducing,
): Promise<KafkaProducer> {
  if (client === 'platformatic') {
    await import('./platformatic-schemas.ts')
    const { platformaticProducer } = await import('./platformatic.ts')
    return platformaticProducer(connection, producing)
  }
  const { kafkaJsProducer } = await import('./kafkajs.ts')
  return kafkaJsProducer(connection, producing)
}

export async function openConsumer(
  client: KafkaClientName,
  connection: KafkaConnection,
  consuming: KafkaConsuming,
): Promise<KafkaConsumer> {
  if (client === 'platformatic') {
    await import('./platformatic-schemas.ts')
    const { platformaticConsumer } = await import('./platformatic-consumer.ts')
    return platformaticConsumer(connection, consuming)
  }
  const { kafkaJsConsumer } = await import('./kafkajs-consumer.ts')
  return kafkaJsConsumer(connection, consuming)
}

export async function openTopics(client: KafkaClientName, connection: KafkaConnection): Promise<KafkaTopics> {
  if (client === 'platformatic') {
    await import('./platformatic-schemas.ts')
    const { platformaticTopics } = await import('./platformatic-consumer.ts')
    return platformaticTopics(connection)
  }
  const { kafkaJsTopics } = await import('./kafkajs-consumer.ts')
  return kafkaJsTopics(connection)
}
