/**
 * Everything that the tests here see Sluice do otherwise than the Collector, each with its reason. A difference that
 * is not in this list fails its test; one that no longer occurs does too. Users read of them in docs/differences.md,
 * in the same words: `says` stands there.
 */

import { PROMETHEUS_RECEIVER } from './differences-prometheus-receiver.ts'
import { REMOTE_WRITE } from './differences-remote-write.ts'

export interface Difference {
  /** What docs/differences.md tells users, and why. */
  readonly says: string
  /** `table: case: aspect`, with `*` for anything. */
  readonly where: readonly string[]
}

/** One per `*.collector.ts`. */
export const TABLES = [
  'answers',
  'attributes',
  'auth',
  'batch',
  'clients',
  'config',
  'context',
  'count',
  'debug',
  'defaults',
  'file',
  'formats',
  'kafka',
  'passing',
  'prometheus',
  'prometheus-receiver',
  'remote-write',
  'retries',
  'sampler',
  'spanmetrics',
  'telemetry',
] as const
export type TableName = (typeof TABLES)[number]

const SIGNALS = ['traces', 'metrics', 'logs'] as const

/** Cases of the table `config`: only the verdict is compared. */
function verdicts(...cases: readonly string[]): string[] {
  return cases.map(one => `config: ${one}: accepted`)
}

/** Cases of the table `answers`, every aspect of them. */
function answers(...cases: readonly string[]): string[] {
  return cases.map(one => `answers: ${one}: *`)
}

export const DIFFERENCES: readonly Difference[] = [
  {
    says: "| HTTP errors | always a `google.rpc.Status` in the request's encoding, also for 404, 405, 415 |",
    where: [
      'no content type',
      'text',
      'another protobuf type',
      'a content type that is none',
      'grpc on the HTTP path',
      'GET',
      'GET with a content type',
      'HEAD',
      'PUT',
      'DELETE',
      'OPTIONS',
      'OPTIONS with an origin and no method',
      'OPTIONS with an empty method',
      'a browser with PUT',
      'a browser with a wrong path',
      'another Expect',
      'a wrong path',
      'a wrong path with GET',
      'the path with a slash',
      'the path in capitals',
      'profiles, which have no pipeline',
      'metrics where only traces have one',
      'the usual path where there is an own',
    ]
      .flatMap(name => ['type', 'code', 'message', 'body'].map(aspect => `answers: HTTP: ${name}: ${aspect}`))
      .concat('answers: HTTP: another Expect: vary'),
  },
  {
    says: '| a listener whose body or header is slow | times out (`read_header_timeout` and friends) |',
    where: ['defaults: all components: receivers::otlp::protocols::http::read_header_timeout'],
  },
  {
    says: '| answer to a larger one over HTTP | 413 | 400 |',
    where: [
      'over the limit',
      'over the limit after gzip',
      'over the limit after zstd',
      'over the limit after lz4',
      'json over the limit',
    ].flatMap(name => [`answers: HTTP: ${name}: status`, `answers: HTTP: ${name}: code`]),
  },
  {
    says: 'A Content-Encoding is read in any case, `identity` is one, and an unknown one is answered with 415, there with 400.',
    where: [
      ...answers('HTTP: gzip in capitals', 'HTTP: identity'),
      'answers: HTTP: brotli: status',
      'answers: HTTP: two encodings: status',
    ],
  },
  {
    says: 'Doubled slashes in a path are not redirected.',
    where: answers('HTTP: the path twice slashed'),
  },
  {
    says: 'With `allowed_headers` of `cors`, `Content-Type` is still allowed; there it has to be in the list.',
    where: answers('HTTP: a preflight with an allowed header and content-type'),
  },
  {
    says: "A body that cannot be read is the sender's mistake: 400 and INVALID_ARGUMENT, there often 500 and INTERNAL.",
    where: [
      ...['HTTP: protobuf said to be json', 'JSON: *"droppedAttributesCount":-1*'].flatMap(name => [
        `answers: ${name}: status`,
        `answers: ${name}: code`,
      ]),
      'answers: gRPC: gzip that is none: status',
      'answers: gRPC: snappy in blocks: status',
      'answers: gRPC: malformed: status',
    ],
  },
  {
    says: 'Mistakes in gRPC itself get the codes of its specification: INTERNAL for a message that ends early and for a wrong content type, UNIMPLEMENTED for a request without a message or with two; an unreadable `grpc-timeout` is answered with HTTP 200.',
    where: [
      'answers: gRPC: nothing: status',
      'answers: gRPC: half a prefix: status',
      'answers: gRPC: a message that ends early: status',
      'answers: gRPC: application/json: status',
      'answers: gRPC: a timeout that is none: http',
      ...answers('gRPC: two messages'),
    ],
  },
  {
    says: 'gRPC takes deflate as well.',
    where: answers('gRPC: deflate'),
  },
  {
    says: '`null` means absent, also inside a oneof; `1e3` and `1.0` are whole numbers; an enum may be a number in quotes; base64 may be URL-safe or lack its padding; a byte order mark is skipped.',
    where: [
      ...answers(
        'JSON: *"kind":"2"*',
        'JSON: *"kind":1.0*',
        'JSON: *"severityNumber":"9"*',
        'JSON: *"intValue":1e3*',
        'JSON: *"intValue":1.0*',
        'JSON: *"bytesValue":"AQI"*',
        'JSON: *"bytesValue":"-_8="*',
        'JSON: traces \ufeff{}',
      ),
      'answers: JSON: *{"stringValue":null}*: items',
    ],
  },
  {
    says: 'Refused are a body of `null` and anything behind the first JSON value.',
    where: answers('JSON: traces null', 'JSON: traces {} {}', 'JSON: traces {}x'),
  },
  {
    says: '`${NAME:-default}` works without `env:`.',
    where: verdicts('env: without env:, a default'),
  },
  {
    says: 'An unknown `--feature-gates` name warns instead of ending the program: its gates are not ours.',
    where: verdicts('gates: unknown'),
  },
  { says: 'Profiles need no gate.', where: verdicts('whole: profiles without the gate') },
  {
    says: 'Dates are text; there they are a type that no key takes.',
    where: verdicts('env: a date for any type', '*value: 2024-01-02*'),
  },
  {
    says: 'What cannot be had yet is an error that says so',
    where: verdicts(
      'exporters file *encoding: nobody}',
      'exporters kafka *extension: mine}}',
      'exporters kafka *AWS_MSK_IAM_OAUTHBEARER*',
      'exporters kafka *kerberos: *',
      'receivers kafka *kerberos: *',
    ),
  },
  {
    says: 'Who is not let in is told so before anything of the body is read, and over HTTP with `WWW-Authenticate`, as RFC 9110 asks; there a gRPC message is read first, and the header is missing.',
    where: ['auth: HTTP*: challenge', 'auth: gRPC: nothing, a broken message: *'],
  },
  {
    says: '`validate` already refuses what could only fail at start: an address without a port or one that is no URL, a transport that is no stream, one URL path for two signals, one address for two listeners, an unknown compression, log encoding, record encoding, protocol or propagator, an authenticator that is not there, does not run or cannot do it, credentials over gRPC without TLS, a header name that is none.',
    where: verdicts(
      'receivers kafka {traces: {encoding: nonsense}}',
      'receivers kafka {logs: {encoding: text_nonsense}}',
      'exporters kafka {traces: {encoding: nonsense}}',
      'exporters kafka *oauthbearer_token_source: oauth2client}}}',
      'exporters kafka {logs: {encoding: jaeger_proto}}',
      'exporters kafka {producer: {max_message_bytes: 0}}',
      'receivers otlp *{endpoint: ""}}}',
      'receivers otlp *{endpoint: localhost}}}',
      'receivers otlp *{endpoint: "localhost:70000"}}}',
      'receivers otlp *{endpoint: "localhost:abc"}}}',
      'receivers otlp *{transport: udp}}}',
      'receivers otlp *traces_url_path: /v1/metrics}}}',
      'receivers otlp *http: {endpoint: "localhost:4317"}}}',
      'receivers otlp *compression_algorithms: [brotli]}}}',
      'exporters otlp *compression: deflate}',
      'extensions pprof {endpoint: ""}',
      'extensions pprof {endpoint: nowhere}',
      'exporters prometheus {endpoint: localhost}',
      'exporters prometheus {endpoint: "localhost:http"}',
      'exporters prometheus {endpoint: "localhost:70000"}',
      'telemetry {logs: {encoding: xml}}',
      'telemetry *protocol: carrier*',
      'telemetry {traces: {propagators: [nobody]}}',
      'exporters prometheus *auth: {authenticator: nobody}}',
      'exporters prometheus_remote_write {endpoint: "a:9090"}',
      'exporters prometheus_remote_write {endpoint: "ftp://a/push"}',
      'exporters prometheus_remote_write {endpoint: "/push"}',
      'exporters prometheus_remote_write {endpoint: "http://"}',
      'exporters prometheus_remote_write {endpoint: "http://a:99999/"}',
      'exporters prometheus_remote_write *auth: {authenticator: nobody}}',
      'exporters otlp *auth: {authenticator: nobody}}',
      'receivers otlp *auth: {authenticator: nobody}}}}',
      'extensions health_check {auth: {authenticator: nobody}}',
      'auth: no authenticator',
      'auth: nobody',
      'auth: nobody at an exporter',
      'auth: not in service',
      'auth: a client at a receiver',
      'auth: a server at an exporter',
      'auth: without TLS',
      'extensions basicauth {htpasswd: {}}',
      'extensions basicauth {htpasswd: {inline: ""}}',
      'extensions basicauth {client_auth: {username: "a:b", password: c}}',
      'extensions bearertokenauth {header: "", token: a}',
      'extensions bearertokenauth {header: "with space", token: a}',
    ),
  },
  {
    says: 'Numbers and durations that mean nothing are refused: those below 0, also in a section with `enabled: false`, and those too large for their key. There they count as 0 or as the default, or wrap around.',
    where: verdicts(
      'receivers otlp *max_request_body_size: -1}}}',
      'receivers otlp *read_timeout: -1s}}}',
      'exporters prometheus *metric_expiration: -5m}',
      'processors probabilistic_sampler {hash_seed: 4294967296}',
      'processors probabilistic_sampler {sampling_precision: -1}',
      '*sending_queue: {enabled: false, queue_size: -5}}',
      '*retry_on_failure: {enabled: false, multiplier: -1}}',
      'exporters debug {sampling_initial: -1}',
      'exporters file *rotation: {max_megabytes: -1}}',
      'exporters file *max_open_files: 0}}',
    ),
  },
  {
    says: 'Keys that have no effect here are not looked into.',
    where: verdicts('receivers otlp *read_buffer_size: -1}}}'),
  },
  {
    says: 'A `*_url_path` is a path of plain characters, neither empty nor a whole URL.',
    where: verdicts(
      'receivers otlp *{traces_url_path: ""}}}',
      'receivers otlp *{traces_url_path: "http://x/y"}}}',
    ),
  },
  {
    says: '`service.telemetry.metrics.address`, which the Collector has dropped, still works and warns.',
    where: verdicts('telemetry {metrics: {address: "localhost:8888"}}'),
  },
  {
    says: '`kafka` takes what older versions took or the README has: `topic` and `encoding` for all signals, `record_headers` as a map, `required_acks` in quotes, a partitioner with nothing below it.',
    where: verdicts(
      'exporters kafka {topic: old}',
      'exporters kafka {encoding: otlp_json}',
      'exporters kafka {record_headers: {a: b}}',
      'exporters kafka {producer: {required_acks: "1"}}',
      'exporters kafka {record_partitioner: {sticky_key: {}}}',
      'exporters kafka {record_partitioner: {round_robin: }}',
    ),
  },
  {
    says: 'It takes keys of older versions: `topic` and `encoding` for all signals, `topic` and `exclude_topic` for one, `default_fetch_size`.',
    where: verdicts(
      'receivers kafka {topic: old}',
      'receivers kafka {encoding: otlp_json}',
      'receivers kafka {traces: {topic: old}}',
      'receivers kafka {traces: {topics: ["^a"], exclude_topic: old}}',
      'receivers kafka {default_fetch_size: 1}',
    ),
  },
  {
    says: 'Refused when the config is read, there at start or by the brokers or not at all: a pattern that is none, no group, a heartbeat that is not below the session, one topic for two signals (partitions would go to one or the other by chance).',
    where: verdicts(
      'receivers kafka {traces: {topics: ["^("]}}',
      'receivers kafka {group_id: ""}',
      'receivers kafka {heartbeat_interval: 0s}',
      'receivers kafka {session_timeout: 3s, heartbeat_interval: 3s}',
      'receivers kafka {metrics: {topics: [a]}, logs: {topics: [a]}}',
    ),
  },
  {
    says: '`cooperative-sticky`, the default there, needs `client: platformatic`.',
    where: verdicts('receivers kafka {group_rebalance_strategies: [cooperative-sticky]}'),
  },
  {
    says: 'An id with spaces keeps its config; there it loses it.',
    where: verdicts('whole: id with a space'),
  },
  {
    says: '`unix:path` is an endpoint of `otlp_grpc` too, beside `unix:///path`.',
    where: verdicts('exporters otlp {endpoint: "unix:/tmp/a.sock"}'),
  },
  {
    says: '`output_paths: [stdout]` may be written beside the internal logger, because `print-config` writes every default. `verbosity` is a word, never a number.',
    where: [
      ...verdicts('exporters debug {output_paths: [stdout]}', 'exporters debug {verbosity: 2}'),
      'defaults: all components: exporters::debug::output_paths',
    ],
  },
  {
    says: '`-0` stays `-0`; there it is lost where 0 is not encoded.',
    where: ['passing: negative zero, special: metrics*'],
  },
  {
    says: '`attributes` and `resource` keep the order of attributes when one is deleted (there the last one takes its place).',
    where: ['passing: order after a delete, special: traces, edited'],
  },
  {
    says: 'Resources without items are in no record when `kafka` parts a batch by resource; there they are records.',
    where: ['kafka: by resource, metrics: empty', 'kafka: by resource, logs: empty'],
  },
  {
    says: 'A metric that `batch` splits keeps its metadata; there it is lost.',
    where: ['batch: metrics *send_batch_max_size*: metadata'],
  },
  {
    says: 'With `verbosity: normal` scopes are numbered within their resource; there each has the number of its resource. Bounds of exponential histograms may differ in the last digit.',
    where: SIGNALS.map(signal => `debug: ${signal} verbosity: normal*: exact`),
  },
  {
    says: 'Metrics of exporters have no labels `server_address`, `server_port`, `url_path`, `error_type` and `error_permanent`: one series for each exporter and signal.',
    where: ['telemetry: *, samples: otelcol_exporter_*server_address=*'],
  },
  {
    says: 'Pages of the gateway itself answer GET and HEAD only.',
    where: ['telemetry: health: health POST /: *'],
  },
  {
    says: '`Retry-After` is honoured with 429, 502, 503 and 504, as seconds or as a date.',
    where: ['retries: http-502-after: waited'],
  },
  {
    says: 'A 2xx answer that cannot be read counts as sent; there the request is sent again.',
    where: ['retries: http-200-garbled: attempts'],
  },
  {
    says: 'RESOURCE_EXHAUSTED that a server behind means for ever is told over HTTP as 413; there as 429, with which senders try again.',
    where: ['retries: grpc-resource-exhausted: answer'],
  },
  {
    says: 'Answers over HTTP are asked for uncompressed, as they are tiny; over gRPC they may be compressed.',
    where: [
      'clients: otlp_http/*: header accept-encoding',
      'clients: otlp_grpc/*: header grpc-accept-encoding',
    ],
  },
  {
    says: 'A `sending_queue` of `prometheus` has its usual defaults; there every key of it has to be written.',
    where: verdicts(
      'exporters prometheus *sending_queue: {}}',
      'exporters prometheus *queue_size: 10, batch: }}',
    ),
  },
  {
    says: 'Two attributes that become one label have their values joined by `;`, as the specification asks; there the series is lost.',
    where: ['prometheus: two attributes, one label: *'],
  },
  {
    says: 'An attribute called like a label that the exporter makes (`job`, a constant label) gives way to it; there the series is lost.',
    where: ['prometheus: an attribute with the name of our own label: *'],
  },
  {
    says: 'Labels that would stand twice in one line (`le`, or two names that an escaping makes equal) leave out that series; there Prometheus cannot read the page.',
    where: [
      'prometheus: an attribute called le: *',
      'prometheus: labels that the scraper cannot tell apart: *',
    ],
  },
  {
    says: 'A delta sum that begins before the last one ended is rejected; there it replaces the total.',
    where: ['prometheus: a delta sum that comes twice: *'],
  },
  {
    says: 'A staleness mark takes away its own series only; there the rest of the metric is lost.',
    where: ['prometheus: a staleness mark before other points: *'],
  },
  {
    says: 'Histograms without temporality are rejected; there the first point is shown for ever.',
    where: ['prometheus: a histogram without temporality: *'],
  },
  {
    says: 'Delta histograms keep their exemplars.',
    where: ['prometheus: exemplars of delta histograms: *'],
  },
  {
    says: 'Delta exponential histograms of different scales are added exactly; there the series is lost.',
    where: ['prometheus: delta exponential histograms of two scales: *'],
  },
  {
    says: '`count`: of OTTL there are comparisons, `and`, `or`, `not`, `IsMatch` and tests of types ([count.md](count.md)); other conditions are refused.',
    where: verdicts(
      'count *["Len(name) > 1"]*',
      'count *["kind + 1 == 2"]*',
      'count *["start_time > end_time"]*',
      'count *attributes == {*',
      'count *["attributes[0] == 1"]*',
    ),
  },
  {
    says: '`count` refuses unknown keys, which the Collector passes over',
    where: verdicts('count {nonsense: {}}'),
  },
  ...PROMETHEUS_RECEIVER,
  {
    says: '| series of `span_metrics` without a span for 15 minutes | forgotten | kept for ever |',
    where: [
      'defaults: all components: connectors::span_metrics::series_expiration',
      'defaults: all components: connectors::span_metrics::metrics_expiration',
    ],
  },
  {
    says: '| series of `span_metrics`, of one resource and metric | 10,000, the rest in one with `otel.metric.overflow` | no limit |',
    where: ['defaults: all components: connectors::span_metrics::aggregation_cardinality_limit'],
  },
  {
    says: 'With `include_instrumentation_scope`, spans of different scopes are different series; there they are one, called like the first that came.',
    where: ['spanmetrics: include_instrumentation_scope: [http]*: series'],
  },
  {
    says: 'An attribute that a span has twice counts once for a `glob`; there it makes a second series of the same name.',
    where: ['spanmetrics: dimensions: [{glob: "http.*"}]*: series'],
  },
  {
    says: 'Series of a resource that leaves `resource_metrics_cache_size` before they were handed on have their count in their only point; there 0.',
    where: ['spanmetrics: resource_metrics_cache_size: 1*: series'],
  },
  {
    says: 'Refused are a glob that is not closed, buckets that do not ascend or are below 0, sizes below 0, a `metrics_flush_interval` below 1 ms, and the dimension `collector.instance.id` with its feature gate off, too.',
    where: verdicts(
      'whole: connectors span_metrics, a dimension collector.instance.id without its gate',
      'whole: connectors span_metrics {histogram: {explicit: {buckets: [-1ms, 1ms]}}}',
      'whole: connectors span_metrics {metrics_flush_interval: 500us}',
      'whole: connectors span_metrics {dimensions: [{glob: "a.{b"}]}',
      'whole: connectors span_metrics {histogram: {explicit: {buckets: [2ms, 1ms]}}}',
      'whole: connectors span_metrics {histogram: {exponential: {max_size: -1}}}',
      'whole: connectors span_metrics {exemplars: {enabled: false, max_per_data_point: -1}}',
    ),
  },
  ...REMOTE_WRITE,
]
