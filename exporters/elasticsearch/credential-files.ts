/** Credentials in files that may change while the gateway runs: of a password, an API key or a bearer token. */

import { SecretFile } from '../../core/component/secret-file.ts'
import type { Logger } from '../../core/telemetry/log.ts'
import type { Cluster, ClusterAnswer, ClusterRequest } from './client.ts'
import type { ElasticsearchConfig } from './config.ts'

const KEYS = ['password_file', 'api_key_file', 'bearer_token_file'] as const

/**
 * The cluster, asked with what is in the file that the config names; itself when it names none. Throws an Error that names
 * the key when the file cannot be read.
 */
export async function withCredentialFiles(
  cluster: Cluster,
  config: ElasticsearchConfig,
  log: Logger,
): Promise<Cluster> {
  const key = KEYS.find(one => config[one] !== '')
  if (key === undefined) return cluster
  const file = new SecretFile({ key, path: config[key], log })
  try {
    await file.start()
  } catch (error) {
    await cluster.close()
    throw error
  }
  return new FileCredentials(cluster, file, text => authorizationOf(key, config.user, text))
}

function authorizationOf(key: (typeof KEYS)[number], user: string, text: string): string {
  if (key === 'api_key_file') return `ApiKey ${text}`
  if (key === 'bearer_token_file') return `Bearer ${text}`
  return `Basic ${Buffer.from(`${user}:${text}`).toString('base64')}`
}

class FileCredentials implements Cluster {
  readonly #cluster: Cluster
  readonly #file: SecretFile
  readonly #authorization: (text: string) => string

  constructor(cluster: Cluster, file: SecretFile, authorization: (text: string) => string) {
    this.#cluster = cluster
    this.#file = file
    this.#authorization = authorization
  }

  request(request: ClusterRequest): Promise<ClusterAnswer> {
    return this.#cluster.request({ ...request, authorization: this.#authorization(this.#file.text) })
  }

  async close(): Promise<void> {
    this.#file.stop()
    await this.#cluster.close()
  }
}
