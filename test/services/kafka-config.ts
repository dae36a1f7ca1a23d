/** The config of Kafka's nodes: listeners, logins, and everything small. See the Kafka documentation for each key. */

export const KAFKA_USER = 'sluice'
export const KAFKA_PASSWORD = 'sluice-secret'

export const LISTENERS = ['plain', 'sasl', 'tls', 'saslTls'] as const
export type Listener = (typeof LISTENERS)[number]

export type Ports = Readonly<Record<Listener | 'controller', number>>

/** What differs between a node in a container and one without. */
export interface Place {
  /** That it listens on. */
  readonly address: string
  /** Path of its logs. */
  readonly data: string
  /** Folder of server.pem and ca.pem. */
  readonly certificates: string
}

export function nodeConfig(node: number, ports: Ports, voters: string, { address, data }: Place): string {
  const at = (host: string) =>
    LISTENERS.map(listener => `${listener.toUpperCase()}://${host}:${ports[listener]}`).join(',')
  return `process.roles=broker,controller
node.id=${node}
controller.quorum.voters=${voters}
listeners=${at(address)},CONTROLLER://127.0.0.1:${ports.controller}
advertised.listeners=${at('127.0.0.1')}
log.dirs=${data}`
}

/** Small, quick to start, and whole logs to read. */
export function clusterConfig(nodes: number, partitions: number, { certificates }: Place): string {
  const copies = Math.min(nodes, 3)
  const synced = Math.min(nodes, 2)
  const module = 'org.apache.kafka.common.security'
  const sasl = (listener: string) => {
    const key = `listener.name.${listener}`
    return `${key}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
${key}.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required user_${KAFKA_USER}="${KAFKA_PASSWORD}";
${key}.scram-sha-256.sasl.jaas.config=${module}.scram.ScramLoginModule required;
${key}.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;
${key}.oauthbearer.sasl.jaas.config=${module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
  }
  return `listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,SASLTLS:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=${certificates}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=${certificates}/ca.pem
${sasl('sasl')}
${sasl('sasltls')}
num.partitions=${partitions}
auto.create.topics.enable=true
default.replication.factor=${copies}
min.insync.replicas=${synced}
offsets.topic.replication.factor=${copies}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=${copies}
transaction.state.log.min.isr=${synced}
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=${copies}
share.coordinator.state.topic.min.isr=${synced}
group.initial.rebalance.delay.ms=0
num.network.threads=1
num.io.threads=2
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=2097152
`
}
