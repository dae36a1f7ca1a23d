/**
 * The keys that everything that talks to Kafka shares: the Collector's configkafka.ClientConfig (pkg/kafka/configkafka
 * 0.155), and `client`, which is ours. `kafkaConnection` makes of them what a client is opened with.
 */

import {
  choice,
  duration,
  flag,
  integer,
  list,
  optional,
  type SectionOptions,
  secret,
  section,
  text,
  type ValueOf,
} from '../../../config/schema.ts'
import { extensionId } from '../../component/auth-config.ts'
import type { Settings } from '../../component/contract.ts'
import { type ClientTls, type ClientTlsConfig, clientTls, loadClientTls, namesFiles } from '../tls.ts'
import { unsupported } from '../unsupported.ts'
import { KAFKA_CLIENTS, type KafkaConnection, type KafkaLogin } from './client.ts'
import { bearerToken } from './token-source.ts'

const PASSWORD_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const MECHANISMS = [...PASSWORD_MECHANISMS, 'OAUTHBEARER', 'AWS_MSK_IAM_OAUTHBEARER'] as const

const sasl = section(
  {
    mechanism: choice(['', ...MECHANISMS], { default: '', doc: 'How the login goes.' }),
    username: text({ default: '', doc: 'Who logs in. Not for OAUTHBEARER.' }),
    password: secret({ doc: 'The password that belongs to it.' }),
    version: integer({ default: 0, min: 0, max: 1, doc: 'No effect: the handshake is negotiated.' }),
    oauthbearer_token_source: extensionId('client_auth', {
      doc: 'OAUTHBEARER: id of the extension that has the token, such as oauth2client.',
    }),
    aws_msk: unsupported({
      doc: 'Where the MSK cluster is.',
      what: 'logging in with AWS IAM is not available',
      fix: 'let MSK take SASL/SCRAM and write mechanism: SCRAM-SHA-512',
    }),
  },
  {
    doc: 'Login with SASL.',
    check(value, report) {
      const { mechanism, username, password, oauthbearer_token_source: source } = value
      if (mechanism === '') {
        report.error('mechanism', 'is missing', `write one of ${PASSWORD_MECHANISMS.join(', ')}, OAUTHBEARER`)
      } else if (mechanism === 'AWS_MSK_IAM_OAUTHBEARER') {
        const fix = 'let MSK take SASL/SCRAM and write mechanism: SCRAM-SHA-512'
        report.error('mechanism', 'logging in with AWS IAM is not available: nothing here signs for AWS', fix)
      } else if (mechanism === 'OAUTHBEARER') {
        if (source === '') {
          report.error('oauthbearer_token_source', 'is missing', 'name an extension such as oauth2client')
        }
      } else {
        if (username === '') report.error('username', 'is missing', `${mechanism} needs one`)
        if (password.reveal() === '') report.error('password', 'is missing', `${mechanism} needs one`)
      }
    },
  },
)

const auth = section(
  {
    sasl: optional(sasl, { empty: 'off' }),
    plain_text: optional(
      section(
        {
          username: text({ default: '', doc: 'Who logs in.' }),
          password: secret({ doc: 'The password that belongs to it.' }),
        },
        { doc: 'Old name of sasl with mechanism: PLAIN.' },
      ),
      { empty: 'off' },
    ),
    tls: optional(clientTls, { empty: 'off' }),
    kerberos: unsupported({
      doc: 'Login with Kerberos.',
      what: 'Kerberos is not available: no client for Node has it',
      fix: 'let the brokers take SASL/SCRAM, and write sasl:',
    }),
  },
  {
    doc: 'Who the gateway is to the brokers.',
    check(value, report) {
      if (value.plain_text !== undefined) {
        report.warn(
          'plain_text',
          'is an old key',
          'write sasl: {mechanism: PLAIN, username: .., password: ..}',
        )
        if (value.sasl !== undefined) report.error('plain_text', 'stands beside sasl', 'remove it')
      }
      if (value.tls !== undefined) report.warn('tls', 'is an old place', 'write tls: outside of auth')
    },
  },
)

const metadata = section(
  {
    full: flag({ default: true, doc: 'No effect: only the topics in use are asked for.' }),
    refresh_interval: duration({
      default: '10m',
      doc: 'What is known of topics and partitions is asked for again after this long.',
    }),
    retry: section(
      {
        max: integer({
          default: 3,
          min: 0,
          doc: 'How often a client tries again by itself while a leader is being elected.',
        }),
        backoff: duration({ default: '250ms', doc: 'The wait before the first of these.' }),
      },
      { doc: 'Short disturbances, sat out before a batch counts as refused.' },
    ),
  },
  { doc: 'What is known of the cluster.' },
)

export const kafkaClientFields = {
  brokers: list(
    text({
      doc: 'A broker, host:port. Without a port, 9092.',
      check: broker =>
        /^(?:\[[^\]]+\]|[^:/\s]+)(?::\d+)?$/.test(broker)
          ? undefined
          : [`"${broker}" is not host:port`, 'write host:9092'],
    }),
    { default: ['localhost:9092'], doc: 'Brokers to ask first; they name the others.' },
  ),
  client: choice(KAFKA_CLIENTS, {
    default: 'kafkajs',
    doc: 'Sluice only: which package talks to the brokers. platformatic needs less CPU.',
  }),
  protocol_version: text({
    default: '',
    doc: 'No effect: versions are negotiated with each broker.',
    check: version =>
      version === '' || /^v?[0-4]\.\d+(?:\.\d+)*$/.test(version)
        ? undefined
        : [`"${version}" is not a version of Kafka`, 'write 2.1.0, or remove the key'],
  }),
  client_id: text({
    default: 'otel-collector',
    doc: 'What brokers know this client as, in quotas and logs.',
  }),
  rack_id: text({
    default: '',
    doc: 'The rack this gateway stands in: records are read from the nearest replica. No effect when writing.',
  }),
  use_leader_epoch: flag({ default: true, doc: 'No effect: the clients have no such switch.' }),
  conn_idle_timeout: duration({
    default: '9m',
    doc: 'No effect: brokers close idle connections, and clients open them again.',
  }),
  resolve_canonical_bootstrap_servers_only: flag({
    default: false,
    doc: 'No effect, nor in the Collector.',
  }),
  tls: optional(clientTls, { empty: 'off' }),
  auth,
  metadata,
} as const

const whole = section(kafkaClientFields, { doc: '' })
export type KafkaClientConfig = ValueOf<typeof whole>

type Report = Parameters<NonNullable<SectionOptions<typeof kafkaClientFields>['check']>>[1]

/** Rules across the shared keys; what configkafka.ClientConfig.Validate checks. */
export function checkKafkaClient(value: KafkaClientConfig, report: Report): void {
  if (value.brokers.length === 0) report.error('brokers', 'is empty', 'write at least one host:port')
  if (value.conn_idle_timeout <= 0) report.error('conn_idle_timeout', 'is not above 0', 'write 9m')
}

/** A broker that does not take the connection in this time is not there. */
const CONNECT_MS = 10_000

/**
 * How to reach the cluster that the config names. Reads the files that `tls` names and looks for the extension that has
 * the token; throws an Error that says which key is at fault. Call it in `start`.
 */
export function kafkaConnection(
  config: KafkaClientConfig,
  settings: Settings,
  requestTimeoutMs: number,
): KafkaConnection {
  const tls = config.tls ?? config.auth.tls
  const encrypted = tls !== undefined && (!tls.insecure || namesFiles(tls))
  return {
    brokers: config.brokers.map(broker => (/:\d+$/.test(broker) ? broker : `${broker}:9092`)),
    clientId: config.client_id,
    tls: encrypted ? reloading(tls) : undefined,
    login: login(config, settings),
    connectTimeoutMs: CONNECT_MS,
    requestTimeoutMs,
    retries: config.metadata.retry.max,
    retryBackoffMs: config.metadata.retry.backoff,
    metadataMaxAgeMs: config.metadata.refresh_interval,
    log: settings.log,
  }
}

/** Its context is read again when it is older than `reload_interval`; clients ask for it with each new connection. */
function reloading(config: ClientTlsConfig): ClientTls {
  let loaded = loadClientTls(config)
  let since = performance.now()
  return {
    get secureContext() {
      if (config.reload_interval > 0 && performance.now() - since > config.reload_interval) {
        loaded = loadClientTls(config)
        since = performance.now()
      }
      return loaded.secureContext
    },
    rejectUnauthorized: loaded.rejectUnauthorized,
    servername: loaded.servername,
  }
}

function login({ auth }: KafkaClientConfig, { host }: Settings): KafkaLogin | undefined {
  if (auth.plain_text !== undefined) {
    const { username, password } = auth.plain_text
    return { mechanism: 'PLAIN', username, password: password.reveal() }
  }
  if (auth.sasl === undefined) return undefined
  const { mechanism, username, password, oauthbearer_token_source: source } = auth.sasl
  switch (mechanism) {
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return { mechanism, username, password: password.reveal() }
    case 'OAUTHBEARER':
      return { mechanism, token: bearerToken(source, host.extension(source)) }
    default:
      throw new Error(`auth.sasl.mechanism: ${mechanism} is not available`)
  }
}
