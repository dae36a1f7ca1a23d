import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../config/node.ts'
import { openConfig } from '../../gateway/open-config.ts'

interface Parts {
  readonly receiver?: string
  readonly exporter?: string
  readonly extensions?: string
  readonly service?: string
}

const ALL = `
  basicauth/server: {htpasswd: {inline: "a:b"}}
  basicauth/client: {client_auth: {username: a}}
  bearertokenauth: {token: a}
  headers_setter: {headers: [{action: insert, key: a, value: b}]}
  zpages:`

/** What is said of a config whose interesting lines are 9 (the receiver) and 11 (the exporter). */
async function said({ receiver = '', exporter = '', extensions = ALL, service }: Parts): Promise<string[]> {
  const ids = [...extensions.matchAll(/^ {2}([^\s:]+):/gm)].map(([, id]) => id)
  const yaml = `extensions:${extensions}
receivers:
  otlp: {protocols: {http: {${receiver}}}}
exporters:
  otlp_grpc: {endpoint: "a:1"${exporter && ', '}${exporter}}
  otlp_grpc/unused: {endpoint: "a:1", auth: {authenticator: bearertokenauth}}
service:
  extensions: ${service ?? `[${ids.join(', ')}]`}
  pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}
`
  const from = { sources: [`yaml:${yaml}`], sets: [], gates: [] }
  const { check } = await openConfig(from, { env: {}, cwd: '/' })
  return check.problems.map(problem => formatProblem(problem).replace(/^yaml:extensions::/, ''))
}

const auth = (id: string, more = ''): string => `auth: {authenticator: ${id}}${more}`

// Scenario: each kind of authenticator where it may stand.
// Guarantees: nothing is said.
test('authenticators that are there and fit', async () => {
  assert.deepEqual(await said({}), [])
  assert.deepEqual(await said({ receiver: auth('basicauth/server'), exporter: auth('basicauth/client') }), [])
  assert.deepEqual(
    await said({ receiver: auth('" bearertokenauth "'), exporter: auth('bearertokenauth') }),
    [],
  )
  assert.deepEqual(await said({ exporter: auth('headers_setter', ', tls: {insecure: true}') }), [])
  assert.deepEqual(await said({ receiver: 'auth: {enabled: false, authenticator: nobody}' }), [])
})

// Scenario: an id with a typo, one that is nowhere, one that is no id, one that does not run, one of another kind, one
// that is no authenticator, and a secret over gRPC without TLS.
// Guarantees: each is one error with its place, and says what to write.
test('each mistake is explained', async () => {
  const RECEIVER = '8:51: receivers::otlp::protocols::http::auth::authenticator: '
  const EXPORTER = '10:54: exporters::otlp_grpc::auth::authenticator: '
  const rows: [Parts, RegExp | string][] = [
    [
      { receiver: auth('basicauth/serve') },
      `${RECEIVER}there is no extension basicauth/serve; did you mean "basicauth/server"?`,
    ],
    [
      { exporter: auth('oidc') },
      `${EXPORTER}there is no extension oidc; known here: basicauth/client, bearertokenauth, headers_setter`,
    ],
    [
      { receiver: auth('nobody'), extensions: '\n  zpages:', service: '[zpages]' },
      /there is no extension nobody; known here: zpages/,
    ],
    [{ receiver: auth('"1"') }, /"1" cannot be the type of a component/],
    [
      { receiver: auth('bearertokenauth'), service: '[]' },
      `${RECEIVER}bearertokenauth is configured but does not run; add it to service::extensions`,
    ],
    [
      { receiver: auth('basicauth/client') },
      `${RECEIVER}basicauth/client does not check who sends; these do: basicauth/server, bearertokenauth`,
    ],
    [
      { exporter: auth('basicauth/server') },
      `${EXPORTER}basicauth/server does not add credentials to requests; these do: basicauth/client, bearertokenauth, headers_setter`,
    ],
    [{ receiver: auth('zpages') }, /zpages does not check who sends/],
    [
      { exporter: auth('basicauth/client', ', tls: {insecure: true}') },
      /exporters::otlp_grpc::auth: basicauth\/client adds secrets to requests, which gRPC does not send without TLS; remove insecure/,
    ],
  ]
  for (const [parts, expected] of rows) {
    const problems = (await said(parts)).filter(problem => !problem.includes('unused'))
    assert.equal(problems.length, 1, problems.join('\n'))
    if (typeof expected === 'string') assert.equal(problems[0], expected)
    else assert.match(problems[0]!, expected)
  }
})

// Scenario: an exporter that no pipeline uses names an extension that does not run; an extension names another.
// Guarantees: the first is a warning, because such an exporter never runs; extensions are checked as well.
test('what does not run is warned of', async () => {
  const [problem] = await said({ service: '[headers_setter]' })
  assert.match(
    problem!,
    /: warning: exporters::otlp_grpc\/unused::auth::authenticator: bearertokenauth is configured but/,
  )
  const extensions = `${ALL}
  headers_setter/chained: {additional_auth: nobody, headers: [{action: insert, key: a, value: b}]}`
  const [chained] = await said({ extensions })
  assert.match(chained!, /extensions::headers_setter\/chained::additional_auth: there is no extension nobody/)
})
