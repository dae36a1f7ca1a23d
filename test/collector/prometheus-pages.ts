/** Jobs and the pages that they are given, one after another. */

import { writeProtoPage } from '../kit/prometheus-page.ts'

export interface Step {
  readonly body?: string | Uint8Array
  readonly type?: string
  readonly status?: number
  readonly gzip?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

export interface PageCase {
  /** Keys of the job, in flow style without braces. */
  readonly yaml?: string
  /** Keys of the receiver: it gets one of its own. */
  readonly receiver?: string
  /** Keys of its global. */
  readonly global?: string
  /** What service.name will be, when it is not the name of the case. */
  readonly job?: string
  readonly path?: string
  /** Several targets: their scrapes come in any order. */
  readonly anyOrder?: boolean
  readonly steps: readonly Step[]
}

const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

const text = (...lines: string[]): Step => ({ body: `${lines.join('\n')}\n` })
const open = (...lines: string[]): Step => ({ body: `${lines.join('\n')}\n# EOF\n`, type: OPEN })

const REQUESTS = (n: number) => [
  '# HELP http_requests_total The "number" of requests\\n and more.',
  '# TYPE http_requests_total counter',
  `http_requests_total{method="post",code="200"} ${1027 + n} 1395066363000`,
  `http_requests_total{method="post",code="400"} ${3 + n}`,
  '# A comment',
  `msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9`,
  `metric_without_timestamp_and_labels ${12.47 + n}`,
  'something_weird{problem="division by zero"} +Inf -3982045',
]

const HISTOGRAM = [
  '# HELP h_seconds A histogram.',
  '# TYPE h_seconds histogram',
  'h_seconds_bucket{path="/",le="0.1"} 3',
  'h_seconds_bucket{path="/",le="1"} 5',
  'h_seconds_bucket{path="/",le="+Inf"} 7',
  'h_seconds_sum{path="/"} 12.25',
  'h_seconds_count{path="/"} 7',
  'h_seconds_bucket{path="/b",le="1"} 0',
  'h_seconds_bucket{path="/b",le="+Inf"} 0',
  'h_seconds_sum{path="/b"} 0',
  'h_seconds_count{path="/b"} 0',
]

const SUMMARY = [
  '# HELP s A summary.',
  '# TYPE s summary',
  's{quantile="0.5",a="b"} 4773',
  's{quantile="0.9",a="b"} NaN',
  's_sum{a="b"} 1.7560473e+07',
  's_count{a="b"} 2693',
  's_sum 1',
  's_count 2',
]

const OPEN_PAGE = [
  '# HELP c_bytes A counter with "quotes" \\"escaped\\".',
  '# TYPE c_bytes counter',
  '# UNIT c_bytes bytes',
  'c_bytes_total{a="1"} 17 # {trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331",more="x"} 0.5 1700000000.123',
  'c_bytes_created{a="1"} 1600000000.25',
  'c_bytes_total{a="2"} 3.5 # {trace_id="abc"} 1',
  '# TYPE h_seconds histogram',
  '# UNIT h_seconds seconds',
  'h_seconds_bucket{le="0.1"} 1 # {span_id="b7ad6b7169203331"} 0.05 1700000001',
  'h_seconds_bucket{le="1.0"} 2 # {} 0.5',
  'h_seconds_bucket{le="+Inf"} 3',
  'h_seconds_sum 4',
  'h_seconds_count 3',
  'h_seconds_created 1600000001.5',
  '# TYPE s summary',
  's{quantile="0.99"} 2',
  's_sum 1',
  's_count 1',
  's_created 1600000002',
  '# TYPE g gauge',
  'g 1 1700000000.5',
  '# TYPE build info',
  'build_info{version="1"} 1',
  '# TYPE state stateset',
  'state{state="a"} 1',
  'state{state="b"} 0',
  '# TYPE u unknown',
  'u 5',
  '# TYPE gh gaugehistogram',
  'gh_bucket{le="1"} 2',
  'gh_bucket{le="+Inf"} 3',
  'gh_gsum 5',
  'gh_gcount 3',
]

const label = (name: string, value: string) => ({ name, value })
const moment = (seconds: number, nanos = 0) => ({ seconds, nanos })
const proto = (...families: object[]): Step => ({
  body: writeProtoPage(families),
  type: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
})

const BUCKETS = [
  { cumulative_count: 1, upper_bound: 0.5, exemplar: { label: [label('trace_id', 'ab')], value: 0.25 } },
  {
    cumulative_count: 3,
    upper_bound: 2,
    exemplar: { label: [label('span_id', 'cd')], value: 1.5, timestamp: moment(1_700_000_000, 5e8) },
  },
]

const NATIVE = {
  sample_count: 24,
  sample_sum: 100.5,
  schema: 3,
  zero_threshold: 0.001,
  zero_count: 2,
  positive_span: [
    { offset: -3, length: 2 },
    { offset: 4, length: 3 },
  ],
  positive_delta: [2, 1, -1, 3, -5],
  negative_span: [{ offset: 5, length: 4 }],
  negative_delta: [0, 4, 0, -4],
}

const PROTO_PAGE = [
  {
    name: 'c_total',
    help: 'A counter.',
    type: 'COUNTER',
    unit: 'bytes',
    metric: [
      { label: [label('a', '1'), label('b', 'ü')], counter: { value: 17, exemplar: BUCKETS[1]!.exemplar } },
      { label: [label('a', '2')], counter: { value: 1.5 }, timestamp_ms: 1_700_000_000_123 },
    ],
  },
  {
    name: 'g',
    type: 'GAUGE',
    metric: [{ gauge: { value: -1 } }, { label: [label('x', '')], gauge: { value: 2 } }],
  },
  { name: 'u.v', type: 'UNTYPED', metric: [{ untyped: { value: 3 } }] },
  {
    name: 's',
    type: 'SUMMARY',
    metric: [
      {
        summary: {
          sample_count: 5,
          sample_sum: 7,
          quantile: [
            { quantile: 0.5, value: 1 },
            { quantile: 0.99, value: NaN },
          ],
        },
      },
      { label: [label('a', 'b')], summary: { sample_count: 1, sample_sum: 2 } },
    ],
  },
  {
    name: 'h',
    type: 'HISTOGRAM',
    metric: [
      { histogram: { sample_count: 5, sample_sum: 9.5, bucket: BUCKETS } },
      {
        label: [label('z', '1')],
        histogram: {
          sample_count: 2,
          sample_sum: 1,
          bucket: [...BUCKETS.slice(0, 1), { cumulative_count: 2, upper_bound: Infinity }],
        },
      },
    ],
  },
  {
    name: 'n',
    type: 'HISTOGRAM',
    metric: [
      { histogram: NATIVE },
      {
        label: [label('both', 'yes')],
        histogram: { ...NATIVE, bucket: BUCKETS, exemplars: [BUCKETS[0]!.exemplar, BUCKETS[1]!.exemplar] },
      },
      {
        label: [label('float', 'yes')],
        histogram: {
          sample_count_float: 5.5,
          sample_sum: 1,
          schema: 0,
          zero_count_float: 1.5,
          positive_span: [{ offset: 1, length: 2 }],
          positive_count: [1.75, 2.25],
        },
      },
      {
        label: [label('empty', 'yes')],
        histogram: {
          sample_count: 0,
          sample_sum: 0,
          schema: 5,
          zero_threshold: 0.5,
          positive_span: [{ offset: 0, length: 0 }],
        },
      },
      {
        label: [label('zeros', 'yes')],
        histogram: {
          sample_count: 1,
          sample_sum: 1,
          schema: -4,
          positive_span: [{ offset: 1, length: 4 }],
          positive_delta: [0, 1, -1, 0],
        },
      },
    ],
  },
  {
    name: 'gh',
    type: 'GAUGE_HISTOGRAM',
    metric: [{ histogram: { sample_count: 5, sample_sum: 9.5, bucket: BUCKETS } }],
  },
]

const target = (rest: string) => `static_configs: [{targets: ["@page@"]${rest}}]`

export const CASES: Readonly<Record<string, PageCase>> = {
  gauges: {
    steps: [
      text('# HELP g A gauge.', '# TYPE g gauge', 'g{a="1"} 1', 'g{a="2"} -2.5', 'g NaN'),
      text('# TYPE g gauge', 'g{a="1"} 3'),
    ],
  },
  counters: { steps: [text(...REQUESTS(0).slice(0, -1)), text(...REQUESTS(1).slice(0, 4))] },
  histograms: { steps: [text(...HISTOGRAM), text(...HISTOGRAM.slice(0, 7)), text('up_to_you 1')] },
  'a histogram in disorder': {
    steps: [
      text(
        '# TYPE h histogram',
        'h_count 9',
        'h_bucket{le="10"} 4',
        'h_sum 3.5',
        'h_bucket{le="1"} 2',
        'h_bucket{le="+Inf"} 9',
        'h_bucket{le="5"} 3',
      ),
    ],
  },
  'a histogram in pieces': {
    steps: [
      text('# TYPE h histogram', 'h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 3', 'h_sum 4'),
      text('# TYPE h histogram', 'h_count 3', 'h_sum 4'),
      text(
        '# TYPE h histogram',
        'h_bucket{le="1"} 2',
        'h_count 3',
        'h_bucket{} 4',
        'h_bucket{le="x"} 4',
        'h 1',
      ),
      text('# TYPE h histogram', 'h_bucket{le="+Inf"} 3', 'h_count 3'),
    ],
  },
  summaries: { steps: [text(...SUMMARY), text(...SUMMARY.slice(0, 6)), text()] },
  untyped: {
    steps: [
      text(
        '# TYPE x untyped',
        'x 1',
        'y{a="b"} 2',
        '# HELP z only help',
        'z 3',
        '# HELP',
        '#',
        '# TYPE',
        '   w   4   ',
      ),
    ],
  },
  'names like suffixes': {
    steps: [
      text(
        '# TYPE a_total counter',
        'a_total 1',
        'a_created 1600000000',
        '# TYPE b counter',
        'b 1',
        'b_total 2',
        'c_total 3',
        'c_bucket{le="1"} 3',
        'c_count 4',
        '# TYPE d gauge',
        'd_count 1',
        'd_sum 2',
        'd 3',
        '_count 1',
        '# TYPE e histogram',
        'e 1',
        'e_total 1',
        'e_info 1',
      ),
    ],
  },
  'types that come late': {
    steps: [
      text('a_total 1', 'b_bucket{le="1"} 1', 'b_count 1', '# TYPE a_total counter', '# TYPE b histogram'),
      text('a_total 1', 'b_bucket{le="1"} 1', 'b_count 1'),
    ],
  },
  'times of their own': {
    steps: [
      text(
        'a 1 1700000000000',
        'a 2 1700000001000',
        'b{x="1"} 1 1700000000000',
        '# TYPE h histogram',
        'h_count 1 1700000000000',
        'h_sum 1 1700000000001',
      ),
      text('c 1'),
    ],
  },
  'times that do not count': {
    yaml: 'honor_timestamps: false',
    steps: [text('a 1 1700000000000', 'a 2 1700000001000', 'b 1 99999999999999'), text('c 1')],
  },
  'times whose end is told': {
    yaml: 'track_timestamps_staleness: true',
    steps: [text('a 1 1700000000000', 'b 1'), text('c 1')],
  },
  'times in the future': { steps: [text('a 1 9000000000000', 'b 1'), text('b 1')] },
  'the same twice': {
    steps: [text('a 1', 'a 2', 'b{x="1",y="2"} 3', 'b{y="2",x="1"} 4'), text('a 1', 'b{y="2",x="1"} 4')],
  },
  'empty labels': { steps: [text('a{x="",y="1"} 1', 'b{x=""} 2', 'a{y="1"} 3')] },
  'labels that clash': {
    yaml: target(', labels: {zone: z, exported_zone: e}'),
    steps: [
      text(
        'a{job="mine",instance="here",zone="there"} 1',
        'b{exported_job="x",job="y"} 2',
        'c{zone="",job=""} 3',
      ),
      text('target_info{job="mine",k8s_pod="p",x="y"} 1', 'a 1'),
    ],
  },
  'labels that win': {
    yaml: `honor_labels: true, ${target(', labels: {zone: z}')}`,
    steps: [
      text(
        'a{job="mine",instance="here:1",zone="there"} 1',
        'b{job="other"} 2',
        'c{zone="",instance=""} 3',
        'd 4',
      ),
      text('a{job="mine",instance="here:1",zone="there"} 1'),
    ],
  },
  'target info': {
    yaml: 'honor_labels: true',
    steps: [
      text(
        '# TYPE target_info gauge',
        'target_info{job="svc",instance="i1",host_name="h",service_version="1"} 1',
        'm{job="svc",instance="i1"} 1',
        'm{job="svc",instance="[::1]:80"} 1',
        'm{job="svc",instance="10.0.0.1:8080"} 1',
        'm{job="svc",instance="name"} 1',
        'm{job="svc",instance="localhost:90"} 1',
        'm{job="svc",instance="0.0.0.0"} 1',
        'm{job="svc",instance="a:b:c"} 1',
      ),
      text('n 1'),
    ],
  },
  scopes: {
    steps: [
      text(
        'a{otel_scope_name="s",otel_scope_version="1",x="y"} 1',
        'a{otel_scope_name="t",otel_scope_schema_url="http://u",otel_scope_zone="z"} 2',
        'a{otel_scope_version="3"} 3',
        'otel_scope_info{otel_scope_name="s",otel_scope_version="1",lib="l",otel_scope_more="m"} 1',
        'a{otel_scope_name="",x="z"} 4',
        '# TYPE h histogram',
        'h_bucket{otel_scope_name="s",otel_scope_version="1",le="1"} 1',
        'h_count{otel_scope_name="s",otel_scope_version="1"} 1',
      ),
      text('a 1'),
    ],
  },
  'names in UTF-8': {
    steps: [
      text(
        '{"my.metric", "a.b"="1"} 1',
        '# TYPE "my.counter" counter',
        '{"my.counter"} 2',
        '{"größe",x="ü"} 3',
      ),
      open(
        '# TYPE "my.counter" counter',
        '{"my.counter_total","a b"="c"} 2',
        '{"my.counter_created","a b"="c"} 1600000000',
      ),
    ],
  },
  'names of old': {
    yaml: 'metric_name_validation_scheme: legacy',
    steps: [text('a 1'), text('{"my.metric"} 1'), text('a{"x.y"="1"} 1')],
  },
  openmetrics: { steps: [open(...OPEN_PAGE), open(...OPEN_PAGE.slice(0, 6)), open()] },
  'openmetrics that is wrong': {
    steps: [
      { body: 'a 1\n', type: OPEN },
      { body: 'a  1\n# EOF\n', type: OPEN },
      { body: '# TYPE a counter\n# UNIT a seconds\na_total 1\n# EOF\n', type: OPEN },
      { body: 'a 1\n\n# EOF\n', type: OPEN },
      { body: 'a 1\n# EOF\nb 1\n', type: OPEN },
      { body: 'a 1\n# EOF', type: OPEN },
      { body: '# TYPE a nothing\na 1\n# EOF\n', type: OPEN },
      { body: 'a{b="c", d="e"} 1\n# EOF\n', type: OPEN },
      { body: 'a 1 # {a="b"} x\n# EOF\n', type: OPEN },
      { body: 'a 1 NaN\n# EOF\n', type: OPEN },
    ],
  },
  'pages that are wrong': {
    steps: [
      text('a 1', 'b 2'),
      text('a{x="1} 2'),
      text('a 1', 'a{'),
      text('a'),
      text('{x="1"} 1'),
      text('1a 1'),
      text('# TYPE a nothing', 'a 1'),
      text('a 0x10'),
      text('a 1_000'),
      text('a 1e999'),
      text('a 1 1.5'),
      text('a 1 -5'),
      text('a 1 2 3'),
      text('a{x="1",x="2"} 1'),
      text('a{__name__="b"} 1'),
      { body: Buffer.from('a{x="\xff"} 1\n', 'latin1') },
      { body: Buffer.from('# HELP a \xff\na 1\n', 'latin1') },
      text('a +inf', 'b -Inf', 'c nan', 'd .5', 'e 5.', 'f 1E3', 'g +1', 'h infinity'),
      text('a{b="c" d="e" , } 1'),
      text('a {b="c"} 1'),
      text('a{b = "c"}1'),
      text('a\t1\t1700000000000'),
      text('a{le="1"} 1', '# TYPE b histogram', 'b_bucket{le="1"} x'),
    ],
  },
  'no line break at the end': {
    steps: [{ body: 'a 1\nb 2' }, { body: '# HELP a x' }, { body: 'a 1\r\nb 1' }],
  },
  'a page that breaks in the middle': {
    steps: [text('a 1', 'b 2', 'c 3'), text('a 1', 'b{', 'c 3'), text('a 1', 'b{', 'c 3')],
  },
  'an answer that is none': {
    steps: [
      text('a 1'),
      { status: 500 },
      { status: 404, body: 'a 1\n' },
      text('a 2'),
      { status: 204 },
      { body: '' },
      text('a 3'),
    ],
  },
  'types of content': {
    steps: [
      { body: 'a 1\n', type: '' },
      { body: 'a 1\n', type: 'text/html' },
      { body: 'a 1\n# EOF\n', type: 'application/openmetrics-text' },
      { body: 'a 1\n# EOF\n', type: 'TEXT/PLAIN; x=y' },
      { body: 'a 1\n', type: 'application/json' },
    ],
  },
  'another fallback': {
    yaml: 'fallback_scrape_protocol: OpenMetricsText1.0.0',
    steps: [
      { body: 'a 1\n# EOF\n', type: '' },
      { body: 'a 1\n', type: 'x/y' },
    ],
  },
  gzip: {
    steps: [
      { body: 'a 1\n', gzip: true },
      { body: 'a 2\n', gzip: true },
    ],
  },
  'no gzip': { yaml: 'enable_compression: false', steps: [{ body: 'a 1\n', gzip: true }] },
  'a broken gzip': { steps: [{ body: 'a 1\n', headers: { 'content-encoding': 'gzip' } }] },
  'rules for samples': {
    yaml: `metric_relabel_configs: [
      {source_labels: [__name__], regex: "drop_.*", action: drop},
      {source_labels: [__name__, x], separator: "@", regex: "(.+)@(\\\\d+)", target_label: "both", replacement: "$$2-$\${1}-$$$$"},
      {regex: "tmp_(.+)", action: labelmap, replacement: "kept_$$1"},
      {regex: "tmp_.*", action: labeldrop},
      {source_labels: [low], target_label: low, action: uppercase},
      {source_labels: [up], target_label: up, action: lowercase},
      {source_labels: [x], target_label: __name__, regex: "rename", replacement: "renamed"},
      {source_labels: [x], target_label: shard, modulus: 8, action: hashmod},
      {source_labels: [gone], target_label: gone, regex: "(?P<n>a)b", replacement: ""},
      {source_labels: [named], target_label: "made_$$n", regex: "(?P<n>a)b", replacement: "$\${n}c"},
      {source_labels: [eq1], target_label: eq2, action: dropequal},
      {source_labels: [le], regex: "1.0|2", action: drop}]`,
    steps: [
      text(
        'drop_me 1',
        'a{x="12"} 1',
        'b{tmp_zone="z",tmp_="y"} 2',
        'c{low="größe",up="GROß"} 3',
        'd{x="rename"} 4',
        'e{gone="ab",named="ab"} 5',
        'f{eq1="1",eq2="1"} 6',
        'g{eq1="1",eq2="2"} 7',
        '# TYPE h histogram',
        'h_bucket{le="1"} 1',
        'h_bucket{le="+Inf"} 2',
        'h_count 2',
      ),
      text('a{x="12"} 1'),
    ],
  },
  'rules that keep': {
    yaml: `metric_relabel_configs: [
      {source_labels: [keep], regex: "yes|maybe", action: keep},
      {source_labels: [a], target_label: b, action: KeepEqual},
      {regex: "__name__|keep|job|instance", action: labelkeep}]`,
    steps: [
      text('a{keep="yes",z="1"} 1', 'a{keep="yesyes"} 2', 'b{keep="maybe",a="1"} 3', 'c 4'),
      text('d 1'),
    ],
  },
  'rules that take the name': {
    yaml: 'metric_relabel_configs: [{regex: "__name__", action: labeldrop}]',
    steps: [text('a 1')],
  },
  'rules for targets': {
    yaml: `${target(', labels: {__meta_zone: z, a: b, __param_q: p}')}, params: {q: [r, s], t: [u]}, relabel_configs: [
      {source_labels: [__address__], target_label: address},
      {source_labels: [__meta_zone], target_label: zone},
      {source_labels: [__metrics_path__, __scheme__, __scrape_interval__, __scrape_timeout__, job], target_label: all},
      {target_label: instance, replacement: "my-instance:1"}]`,
    steps: [text('a 1')],
  },
  'parameters and a secret': {
    yaml: 'params: {module: [http, "a b"], "x[]": ["ü&"]}, basic_auth: {username: u, password: "p:w"}',
    steps: [text('a 1')],
  },
  'a token': { yaml: 'authorization: {type: Token, credentials: abc}', steps: [text('a 1')] },
  'an old token': { yaml: 'bearer_token: abc', steps: [text('a 1')] },
  'an interval of its own': { yaml: 'scrape_interval: 600ms, scrape_timeout: 550ms', steps: [text('a 1')] },
  protocols: {
    yaml: 'scrape_protocols: [PrometheusText0.0.4, PrometheusProto, OpenMetricsText1.0.0]',
    steps: [text('a 1')],
  },
  'protocols of native histograms': { yaml: 'scrape_native_histograms: true', steps: [text('a 1')] },
  'protocols of old names': { yaml: 'metric_name_validation_scheme: legacy', steps: [text('b 1')] },
  'too many samples': {
    yaml: 'sample_limit: 3',
    steps: [text('a 1', 'b 1', 'c 1'), text('a 1', 'b 1', 'c 1', 'd 1'), text('a 1')],
  },
  'too many labels': {
    yaml: 'label_limit: 4',
    steps: [text('a{b="1"} 1'), text('a{b="1"} 1', 'a{b="1",c="1"} 1'), text('a 1')],
  },
  'a long label': {
    yaml: 'label_name_length_limit: 10',
    steps: [text('a{b="1"} 1'), text('a{bbbbbbbbbbb="1"} 1')],
  },
  'a long value': {
    yaml: 'label_value_length_limit: 40',
    steps: [text('a{b="1"} 1'), text(`a{b="${'ü'.repeat(21)}"} 1`)],
  },
  'a large page': {
    yaml: 'body_size_limit: 1KB',
    steps: [
      text('a 1'),
      text(`# ${'x'.repeat(1019)}`, 'a 1'),
      { body: `a 1\n${'#'.repeat(2000)}\n`, gzip: true },
      { body: `a 1\n${'#'.repeat(1019)}` },
      { body: `a 1\n${'#'.repeat(1020)}` },
    ],
  },
  'too many targets': {
    anyOrder: true,
    yaml: 'target_limit: 1, static_configs: [{targets: ["@page@", "@page@"], labels: {a: b}}, {targets: ["@page@"]}]',
    steps: [text('a 1')],
  },
  'more about scrapes': {
    yaml: 'extra_scrape_metrics: true, sample_limit: 100, body_size_limit: 500B',
    steps: [text('a 1', 'b 2'), { status: 500 }, { body: '#'.repeat(600) }],
  },
  protobuf: { steps: [proto(...PROTO_PAGE), proto(...PROTO_PAGE.slice(0, 2)), proto()] },
  'protobuf, native': {
    yaml: 'scrape_native_histograms: true',
    steps: [proto(...PROTO_PAGE), proto(...PROTO_PAGE.slice(0, 2))],
  },
  'protobuf, native and classic': {
    yaml: 'scrape_native_histograms: true, always_scrape_classic_histograms: true',
    steps: [proto(...PROTO_PAGE), proto(...PROTO_PAGE.slice(0, 2))],
  },
  'protobuf, all in one piece': {
    yaml: 'scrape_native_histograms: true, convert_classic_histograms_to_nhcb: true',
    steps: [proto(...PROTO_PAGE)],
  },
  'protobuf, coarser': {
    yaml: 'scrape_native_histograms: true, native_histogram_bucket_limit: 4',
    steps: [proto(PROTO_PAGE[5]!)],
  },
  'protobuf, coarser by factor': {
    yaml: 'scrape_native_histograms: true, native_histogram_min_bucket_factor: 1.5',
    steps: [proto(PROTO_PAGE[5]!)],
  },
  'protobuf, when it began': {
    yaml: 'scrape_native_histograms: true',
    steps: [
      proto(
        {
          name: 'c',
          type: 'COUNTER',
          metric: [{ counter: { value: 1, created_timestamp: moment(1_600_000_000, 250_000_000) } }],
        },
        {
          name: 'n',
          type: 'HISTOGRAM',
          metric: [{ histogram: { ...NATIVE, created_timestamp: moment(1_600_000_001) } }],
        },
      ),
    ],
  },
  'protobuf that is wrong': {
    yaml: 'scrape_native_histograms: true',
    steps: [
      proto({ name: 'a', type: 'GAUGE', metric: [{ gauge: { value: 1 } }] }),
      { ...proto(), body: Buffer.from([5, 10, 1]) },
      { ...proto(), body: Buffer.from([2, 10, 100]) },
      proto({ name: 'n', type: 'HISTOGRAM', metric: [{ histogram: { ...NATIVE, positive_delta: [1] } }] }),
      proto({ type: 'GAUGE', metric: [{ gauge: { value: 1 } }] }),
      proto({ name: 'empty', type: 'GAUGE' }),
    ],
  },
  'text in one piece': {
    yaml: 'convert_classic_histograms_to_nhcb: true',
    steps: [
      text(...HISTOGRAM, ...SUMMARY),
      text('# TYPE h histogram', 'h_bucket{le="1"} 2', 'h_bucket{le="0.5"} 1', 'h_sum 4', 'h_count 3', 'x 1'),
      text('# TYPE h histogram', 'h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 1', 'h_count 1', 'y 1'),
      text(
        '# TYPE h histogram',
        'h_bucket{le="1"} 2',
        'h_bucket{le="2"} 2',
        'h_count 2',
        'h_sum 1',
        'h_bucket{a="b",le="1"} 0',
        '# TYPE g gauge',
        'g_bucket{le="1"} 2',
      ),
      open(...OPEN_PAGE),
    ],
  },
  'text in one piece and classic': {
    yaml: 'convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true',
    steps: [text(...HISTOGRAM), open(...OPEN_PAGE)],
  },
  'trimmed names': {
    receiver: 'trim_metric_suffixes: true',
    steps: [
      open(...OPEN_PAGE, '# TYPE a_b_seconds gauge', '# UNIT a_b_seconds b_seconds', 'a_b_seconds 1'),
      text('x_total 1', '# TYPE y_total counter', 'y_total 1'),
    ],
  },
  'external labels': {
    receiver: 'trim_metric_suffixes: false',
    global: ', external_labels: {region: eu, a: outer, n: 5}, sample_limit: 10',
    steps: [text('a{a="inner",b="c"} 1'), text('b 1')],
  },
}
