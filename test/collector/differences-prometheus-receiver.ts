/** What is seen of the prometheus receiver otherwise than in the Collector; part of the list in differences.ts. */

import type { Difference } from './differences.ts'

export const PROMETHEUS_RECEIVER: readonly Difference[] = [
  {
    says: 'A page that breaks in the middle, or exceeds a limit, leaves nothing behind: everything that was there before is marked stale at once. There what stood before the mistake is not, and while the page stays broken never is.',
    where: [
      'prometheus-receiver: openmetrics that is wrong: scrape *',
      'prometheus-receiver: pages that are wrong: scrape *',
      'prometheus-receiver: a page that breaks in the middle: scrape *',
      'prometheus-receiver: another fallback: scrape *',
      'prometheus-receiver: too many samples: scrape *',
      'prometheus-receiver: too many labels: scrape *',
    ],
  },
  {
    says: 'A bucket that vanishes from a histogram that stays is left out; there all its counts become 2^63. The same happens there to the start time of a point whose `_created` vanishes.',
    where: [
      'prometheus-receiver: a histogram in pieces: scrape *',
      'prometheus-receiver: openmetrics: scrape *',
      'prometheus-receiver: trimmed names: scrape *',
    ],
  },
  {
    says: 'Blanks in front of a name are no part of it.',
    where: ['prometheus-receiver: untyped: scrape *'],
  },
  {
    says: 'Points of protobuf pages have the start time that the page says; there only with a feature gate.',
    where: ['prometheus-receiver: protobuf, when it began: scrape *'],
  },
  {
    says: 'A histogram of `convert_classic_histograms_to_nhcb` that vanishes is marked as the histogram it was; there as an exponential one. `_created` lines of such pages count; there they are swallowed.',
    where: ['prometheus-receiver: text in one piece*: scrape *'],
  },
  {
    says: 'Only `static_configs` and `file_sd_configs` find targets. `target_allocator`, `api_server`, `oauth2` and `scrape_config_files` are errors.',
    where: [
      'config: receivers prometheus *kubernetes_sd_configs: *: accepted',
      'config: receivers prometheus *http_sd_configs: *: accepted',
      'config: receivers prometheus *dns_sd_configs: *: accepted',
      'config: receivers prometheus *consul_sd_configs: *: accepted',
      'config: receivers prometheus *oauth2: *: accepted',
      'config: receivers prometheus *api_server: {enabled: true*: accepted',
      'config: receivers prometheus {target_allocator: *: accepted',
    ],
  },
  {
    says: '`use_start_time_metric`, `start_time_metric_regex` and `report_extra_scrape_metrics`, which the Collector has dropped, warn.',
    where: [
      'config: receivers prometheus *use_start_time_metric: *: accepted',
      'config: receivers prometheus *start_time_metric_regex: *: accepted',
      'config: receivers prometheus *report_extra_scrape_metrics: *: accepted',
    ],
  },
  {
    says: 'One text may stand for a list in `params` and `targets`. A `scheme` other than http and https is refused when the config is read, a certificate or a file of a secret that is not there when the gateway starts.',
    where: [
      'config: receivers prometheus *params: {a: b}*: accepted',
      'config: receivers prometheus *targets: a}]}]}}: accepted',
      'config: receivers prometheus *scheme: ftp*: accepted',
      'config: receivers prometheus *credentials_file: /nowhere/at/all}*: accepted',
      'config: receivers prometheus *cert_file: /nowhere, key_file: /nowhere}*: accepted',
    ],
  },
]
