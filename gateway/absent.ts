/**
 * Components that the Collector has and Sluice has not, so that a Collector's config is told apart from a typo. Taken
 * from the module list of the contrib distribution 0.155. Spellings are compared without underscores, since
 * many types have one with and one without (`k8s_attributes`, `k8sattributes`).
 */

import type { Kind } from './catalog.ts'
import { aKind } from './kinds.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const KNOWN: Readonly<Record<Kind, ReadonlySet<string>>> = {
  receiver: words(`
    activedirectoryds aerospike apache apachespark awscloudwatch awscontainerinsight awscontainerinsightreceiver
    awsecscontainermetrics awsfirehose awslambda awss3 awsxray azureblob azureeventhub azuremonitor bigip carbon chrony
    ciscoos cloudflare cloudfoundry collectd couchdb datadog dockerstats elasticsearch envoyals expvar faro filelog
    filestats flinkmetrics fluentforward github gitlab gitprovider googlecloudmonitoring googlecloudpubsub
    googlecloudspanner haproxy hostmetrics httpcheck huaweicloudces iis influxdb jaeger journald jmx k8scluster
    k8sevents k8sobjects kafka kafkametrics kubeletstats libhoney loki macosunifiedlogging memcached mongodb
    mongodbatlas mysql namedpipe netflow nginx nop nsxt ntp opencensus oracledb osquery otelarrow otlp otlpjsonfile podman
    podmanstats postgresql pprof prometheus prometheusremotewrite prometheussimple pulsar purefa purefb rabbitmq
    receivercreator redfish redis riak saphana sapm signalfx simpleprometheus skywalking snmp snowflake solace
    splunkenterprise splunkhec sqlquery sqlserver sshcheck statsd stef syslog systemd tcpcheck tcplog tlscheck udplog
    vcenter vcrreceiver wavefront webhookevent windowseventlog windowsperfcounters windowsservice yanggrpc zipkin zookeeper`),
  processor: words(`
    attributes batch coralogix cumulativetodelta datadogsemantics deltatocumulative deltatorate dnslookup drain
    experimentalmetricsgeneration filter genainormalizer geoip groupbyattrs groupbytrace interval isolationforest
    k8sattributes logdedup logstransform memorylimiter metricsgeneration metricstarttime metricstransform
    probabilisticsampler redaction remotetap resource resourcedetection routing schema servicegraph span spanmetrics
    sumologic tailsampling transform unroll`),
  exporter: words(`
    alertmanager alibabacloudlogservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azureblob
    azuredataexplorer azuremonitor bmchelix carbon cassandra clickhouse coralogix datadog dataset debug doris
    elasticsearch faro file googlecloud googlecloudpubsub googlecloudstorage googlemanagedprometheus honeycombmarker
    influxdb instana jaeger jaegerthrift kafka kinetica loadbalancing logging logicmonitor logzio loki
    mezmo nop opencensus opensearch otelarrow otlp otlpgrpc otlphttp parquet prometheus prometheusremotewrite pulsar
    rabbitmq sapm sematext sentry signalfx skywalking splunkhec stef sumologic syslog tencentcloudlogservice
    tinybird zipkin`),
  connector: words(`
    count datadog exceptions failover forward grafanacloud metricsaslogs otlpjson roundrobin routing servicegraph
    signaltometrics slowsql spanmetrics sum`),
  extension: words(`
    ack asapclient asapauth avrologencoding awscloudwatchmetricstreamsencoding awslogsencoding awsproxy azureauth
    azureencoding basicauth bearertokenauth cfgardenobserver cgroupruntime datadog dbstorage dockerobserver
    ecsobserver ecstaskobserver expvar filestorage googleclientauth googlecloudlogentryencoding headerssetter
    healthcheck healthcheckv2 hostobserver httpforwarder jaegerencoding jaegermcp jaegerquery jaegerremotesampling
    jsonlogencoding k8sleaderelector k8sobserver kafkatopicsobserver memoryballast memorylimiter
    oauth2client oauth2clientauth oidc oidcauth opamp otlpencoding pebbletailstorage pprof redisstorage
    remotesampling sigv4auth skywalkingencoding solarwindsapmsettings sumologic textencoding zipkinencoding zpages`),
}

/** What the Collector itself no longer has, and what took its place. */
const REMOVED: Readonly<Record<string, string>> = {
  'exporter/logging': 'write debug, which took its place',
  'exporter/jaeger': 'Jaeger takes OTLP: write otlp_grpc with its port 4317',
  'exporter/jaegerthrift': 'Jaeger takes OTLP: write otlp_http with its port 4318',
  'exporter/loki': 'Loki takes OTLP: write otlp_http with its path /otlp',
  'extension/memoryballast': 'remove it; nothing takes its place',
  'processor/spanmetrics': 'write a connector span_metrics, which took its place',
  'processor/servicegraph': 'write a connector service_graph, which took its place',
}

/** What Jaeger's own configs have besides. */
const OF_JAEGER: Readonly<Record<string, readonly [wrong: string, fix: string]>> = {
  'extension/jaegerquery': [
    'Sluice writes what Jaeger reads, and does not read it',
    'remove it here and under service::extensions, and run Jaeger with it and with jaeger_storage',
  ],
  'extension/jaegermcp': [
    'Sluice writes what Jaeger reads, and does not read it',
    'remove it here and under service::extensions, and run Jaeger with it and with jaeger_storage',
  ],
  'extension/healthcheckv2': [
    'Sluice has health_check instead',
    'write health_check here and under service::extensions; its page /ready tells of components',
  ],
  'processor/adaptivesampling': [
    'Sluice does not tell SDKs how to sample',
    'remove it here and in the pipelines, or sample with probabilistic_sampler',
  ],
  'extension/remotesampling': [
    'Sluice does not tell SDKs how to sample',
    'remove it here and under service::extensions, or run Jaeger with it',
  ],
}

/** What to say of a component that is no typo but is not here; undefined when nobody knows it. */
export function absentComponent(
  kind: Kind,
  type: string,
): { readonly wrong: string; readonly fix: string } | undefined {
  const plain = type.toLowerCase().replaceAll('_', '')
  const replacement = REMOVED[`${kind}/${plain}`]
  if (replacement !== undefined) {
    return { wrong: `the ${kind} "${type}" was removed from the Collector`, fix: replacement }
  }
  const ofJaeger = OF_JAEGER[`${kind}/${plain}`]
  if (ofJaeger !== undefined) return { wrong: ofJaeger[0], fix: ofJaeger[1] }
  if (!KNOWN[kind].has(plain)) return undefined
  return {
    wrong: `the Collector has ${aKind(kind)} "${type}", but Sluice does not have it yet`,
    fix: 'remove it here and in the pipelines, or run it in a Collector beside Sluice and connect the two with OTLP',
  }
}
