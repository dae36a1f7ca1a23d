/** The forms that a token server is sent: RFC 6749 4.4 and RFC 7523 2.1. */

import { createPrivateKey, randomUUID, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { JWT_BEARER, type OAuth2Config } from './config.ts'

/** Throws a sentence when a file cannot be read, the key is none, or a parameter is set twice. */
export async function tokenForm(config: OAuth2Config): Promise<URLSearchParams> {
  const form = new URLSearchParams({ grant_type: config.grant_type })
  if (config.grant_type === JWT_BEARER) form.set('assertion', await assertion(config))
  if (config.scopes.length > 0) form.set('scope', config.scopes.join(' '))
  for (const [name, values] of config.endpoint_params) {
    // Servers that are not quite standard want another grant_type; nothing else may be changed.
    if (form.has(name) && name !== 'grant_type') throw new Error(`endpoint_params may not set ${name}`)
    form.delete(name)
    for (const value of values) form.append(name, value.reveal())
  }
  return form
}

/** The id and secret of the client, as they are now. */
export async function clientOf(config: OAuth2Config): Promise<{ id: string; secret: string }> {
  const id = await writtenOrRead(config.client_id, 'client_id_file', config.client_id_file)
  const { client_secret, client_secret_file } = config
  return { id, secret: await writtenOrRead(client_secret.reveal(), 'client_secret_file', client_secret_file) }
}

async function writtenOrRead(written: string, key: string, file: string): Promise<string> {
  if (file === '') return written
  let text: string
  try {
    text = (await readFile(file, 'utf8')).trim()
  } catch (error) {
    throw new Error(`cannot read ${key} "${file}": ${(error as Error).message}`)
  }
  if (text === '') throw new Error(`${key} "${file}" is empty`)
  return text
}

const DIGESTS = { '': 'sha256', RS256: 'sha256', RS384: 'sha384', RS512: 'sha512' } as const
const LIFE_S = 30 * 60

/** RFC 7523 3: a JWT that is good for half an hour. */
async function assertion(config: OAuth2Config): Promise<string> {
  const id = await writtenOrRead(config.client_id, 'client_id_file', config.client_id_file)
  const { client_certificate_key: pem, client_certificate_key_file: file } = config
  const key = privateKey(await writtenOrRead(pem.reveal(), 'client_certificate_key_file', file))
  const now = Math.floor(Date.now() / 1000)
  const { client_certificate_key_id: kid, signature_algorithm: algorithm, scopes } = config
  const header = { alg: algorithm || 'RS256', typ: 'JWT', ...(kid === '' ? {} : { kid }) }
  const claims = {
    iss: config.iss || id,
    sub: id,
    jti: randomUUID(),
    aud: config.audience || config.token_url,
    iat: now,
    exp: now + LIFE_S,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...Object.fromEntries(config.claims),
  }
  const signed = `${base64url(header)}.${base64url(claims)}`
  return `${signed}.${sign(DIGESTS[algorithm], Buffer.from(signed), key).toString('base64url')}`
}

function privateKey(pem: string) {
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new Error('client_certificate_key is not a private key in PEM without a passphrase')
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error('client_certificate_key is not an RSA key')
  return key
}

function base64url(value: object): string {
  const text = JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? Number(one) : one))
  return Buffer.from(text).toString('base64url')
}
