/** Configs with `auth` and the extensions it names; as config-cases.ts, which has the rest. */

import { type ConfigCase, of } from './config-cases.ts'

const HASH = '$apr1$saltsalt$A2A4vLK6SO5Ws1IMNXuyJ1'

const extensions = [
  ...of('extensions', 'basicauth', [
    '',
    '{}',
    '{htpasswd: }',
    '{htpasswd: {}}',
    '{htpasswd: {inline: ""}}',
    '{htpasswd: {inline: "a:b"}}',
    `{htpasswd: {inline: "a:${HASH}"}}`,
    '{htpasswd: {inline: "no colon"}}',
    '{htpasswd: {inline: "a:{SHA}nonsense"}}',
    '{htpasswd: {file: /nowhere/htpasswd}}',
    '{htpasswd: {file: /nowhere/htpasswd, inline: "a:b"}}',
    '{htpasswd: {path: /nowhere/htpasswd}}',
    '{htpasswd: "a:b"}',
    '{htpasswd: {inline: ["a:b"]}}',
    '{client_auth: }',
    '{client_auth: {}}',
    '{client_auth: {username: a, password: b}}',
    '{client_auth: {username: a}}',
    '{client_auth: {password: b}}',
    '{client_auth: {username: "a:b", password: c}}',
    '{client_auth: {username: 1, password: b}}',
    '{client_auth: {username_file: /nowhere/name, password_file: /nowhere/password}}',
    '{client_auth: {username: a, username_file: /nowhere/name, password: b, password_file: /nowhere/password}}',
    '{client_auth: {user: a, password: b}}',
    '{client_auth: {username: a, password: b}, htpasswd: {inline: "a:b"}}',
    '{client_auth: {username: a, password: b}, htpasswd: }',
    '{token: a}',
  ]),
  ...of('extensions', 'bearertokenauth', [
    '',
    '{}',
    '{token: a}',
    '{token: ""}',
    '{token: 1}',
    '{token: "a b"}',
    '{tokens: [a, b]}',
    '{tokens: []}',
    '{tokens: a}',
    '{tokens: "a,b"}',
    '{tokens: [1]}',
    '{tokens: {a: b}}',
    '{tokens: [a], token: b}',
    '{tokens: [], token: b}',
    '{filename: /nowhere/token}',
    '{filename: /nowhere/token, token: a}',
    '{filename: /nowhere/token, tokens: [a]}',
    '{scheme: "", token: a}',
    '{scheme: Token, header: X-Api-Key, token: a}',
    '{header: "", token: a}',
    '{header: "with space", token: a}',
    '{bearer: a}',
  ]),
]

function whole(name: string, receiver: string, exporter: string, service: string): ConfigCase {
  return {
    name: `auth: ${name}`,
    configs: [
      `
extensions:
  basicauth/server: {htpasswd: {inline: "a:b"}}
  basicauth/client: {client_auth: {username: a, password: b}}
  bearertokenauth: {token: a}
receivers: {otlp: {protocols: ${receiver}}}
exporters: {${exporter}}
service:
  extensions: ${service}
  pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}
`,
    ],
  }
}

const ALL = '[basicauth/server, basicauth/client, bearertokenauth]'
const HTTP = '{http: {endpoint: "127.0.0.1:0"}}'
const auth = (id: string, more = ''): string => `auth: {authenticator: ${id}${more}}`
const exporter = (more: string): string => `otlp_grpc: {endpoint: "127.0.0.1:1"${more && ', '}${more}}`

const references: ConfigCase[] = [
  whole('grpc', `{grpc: {${auth('basicauth/server')}}}`, exporter(''), ALL),
  whole('http', `{http: {${auth('bearertokenauth')}}}`, exporter(auth('basicauth/client')), ALL),
  whole(
    'request_params',
    `{http: {${auth('bearertokenauth', ', request_params: [token]')}}}`,
    exporter(''),
    ALL,
  ),
  whole(
    'request_params as text',
    `{http: {${auth('bearertokenauth', ', request_params: "a,b"')}}}`,
    exporter(''),
    ALL,
  ),
  whole(
    'request_params over grpc',
    `{grpc: {${auth('bearertokenauth', ', request_params: [token]')}}}`,
    exporter(''),
    ALL,
  ),
  whole('null', '{http: {auth: }}', exporter('auth: '), ALL),
  whole('switched off', `{http: {auth: {enabled: false, authenticator: nobody}}}`, exporter(''), ALL),
  whole('an id with spaces', `{http: {${auth('" basicauth / server "')}}}`, exporter(''), ALL),
  whole('an id that is none', `{http: {${auth('"1"')}}}`, exporter(''), ALL),
  whole('a text instead of a section', '{http: {auth: bearertokenauth}}', exporter(''), ALL),
  whole('an unknown key', `{http: {${auth('bearertokenauth', ', user: a')}}}`, exporter(''), ALL),
  whole('no authenticator', '{http: {auth: {}}}', exporter(''), ALL),
  whole('nobody', `{http: {${auth('nobody')}}}`, exporter(''), ALL),
  whole('nobody at an exporter', HTTP, exporter(auth('nobody')), ALL),
  whole('not in service', `{http: {${auth('bearertokenauth')}}}`, exporter(''), '[]'),
  whole('a client at a receiver', `{http: {${auth('basicauth/client')}}}`, exporter(''), ALL),
  whole('a server at an exporter', HTTP, exporter(auth('basicauth/server')), ALL),
  whole('without TLS', HTTP, exporter(`tls: {insecure: true}, ${auth('bearertokenauth')}`), ALL),
  whole(
    'nobody at an exporter that is not used',
    HTTP,
    `${exporter('')}, otlp_grpc/2: {endpoint: "127.0.0.1:1", ${auth('nobody')}}`,
    ALL,
  ),
]

export const AUTH_CASES: readonly ConfigCase[] = [...extensions, ...references]
