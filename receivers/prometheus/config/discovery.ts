/** Where targets come from: `static_configs`, `file_sd_configs`, and the discoveries that are not here yet. */

import { list, map, section, text, type ValueOf } from '../../../config/schema.ts'
import type { Schema } from '../../../config/schema-type.ts'
import { unsupported } from '../../../core/transport/unsupported.ts'
import { promDuration, words } from './words.ts'

const staticConfig = section(
  {
    targets: list(words({ doc: 'A target as host:port.' }), { doc: 'Targets.' }),
    labels: map(words({ doc: 'A value.' }), { doc: 'Labels of all of them.' }),
  },
  {
    doc: 'Targets that are written here.',
    check({ labels }, report) {
      if (labels.has('')) report.error('labels', 'has a label without a name', 'give it one')
    },
  },
)

/** What a file of targets holds. */
export const targetGroups = list(staticConfig, { doc: 'Targets.' })

/** As Prometheus: one * at most, in the last part of the path. */
const FILE = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/

const fileConfig = section(
  {
    files: list(
      text({
        doc: 'A path; its last part may have a *.',
        check: path =>
          FILE.test(path)
            ? undefined
            : [
                `"${path}" is not a path of target files`,
                'let it end in .json, .yml or .yaml, with * in the last part only',
              ],
      }),
      { required: true, doc: 'Files with targets.' },
    ),
    refresh_interval: promDuration('Read them again this often, besides when they change. Empty: 5m.'),
  },
  {
    doc: 'Targets in files, which may change.',
    check(value, report) {
      if (value.files.length === 0) report.error('files', 'is empty', 'write at least one path')
    },
  },
)

const LATER = [
  'aws',
  'azure',
  'consul',
  'digitalocean',
  'dns',
  'docker',
  'dockerswarm',
  'ec2',
  'eureka',
  'gce',
  'hetzner',
  'http',
  'ionos',
  'kubernetes',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'nerve',
  'nomad',
  'openstack',
  'ovhcloud',
  'puppetdb',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
  'vultr',
] as const

const later = Object.fromEntries(
  LATER.map(name => [
    `${name}_sd_configs`,
    unsupported({
      doc: 'Targets from elsewhere.',
      what: `discovery by ${name} is not available yet`,
      fix: 'write static_configs, or file_sd_configs and let something else write the files',
    }),
  ]),
) as Readonly<Record<`${(typeof LATER)[number]}_sd_configs`, Schema<undefined>>>

export const discoveryFields = {
  static_configs: list(staticConfig, { doc: 'Targets that are written here.' }),
  file_sd_configs: list(fileConfig, { doc: 'Targets in files, which may change.' }),
  ...later,
} as const

export type StaticSettings = ValueOf<typeof staticConfig>
export type FileSettings = ValueOf<typeof fileConfig>
