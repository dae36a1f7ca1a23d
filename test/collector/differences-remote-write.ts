/** What `prometheus_remote_write` does otherwise than the Collector: a part of differences.ts. */

import type { Difference } from './differences.ts'

export const REMOTE_WRITE: readonly Difference[] = [
  {
    says: 'Remote write 2.0 needs no feature gate.',
    where: [
      'config: exporters prometheus_remote_write *protobuf_message: io.prometheus.write.v2.Request}: accepted',
    ],
  },
  {
    says: '`endpoint` has to be written; there it has a default that leads nowhere.',
    where: ['config: exporters prometheus_remote_write {}: accepted'],
  },
  {
    says: '`protobuf_message` without a value is the default.',
    where: ['config: exporters prometheus_remote_write *protobuf_message: }: accepted'],
  },
  {
    says: '`wal` cannot be had.',
    where: ['config: exporters prometheus_remote_write *wal: *: accepted'],
  },
  {
    says: 'Exemplars of gauges are written in 1.0 too, and those of histograms in 2.0; there they are lost.',
    where: [
      'remote-write: *exemplars_of_gauges: *',
      'remote-write: *_bucket{*: exemplars',
      'remote-write: *exemplars_of_buckets: *',
    ],
  },
  {
    says: 'An exemplar without a time has that of its point; there it has the year 1970, which no server takes.',
    where: ['remote-write: *exemplars_without_time: *'],
  },
  {
    says: 'Two values of one series at one time: the first is written, and the point with the other is rejected; there both are sent, for which Prometheus refuses the whole request.',
    where: [
      'remote-write: *conflicting_values: *',
      'remote-write: *conflicting_buckets: *',
      'remote-write: *equal_bounds: *',
      'remote-write: *odd="bounds"*: samples',
    ],
  },
  {
    says: 'A target_info that is less than five minutes older than the last one is not written: it says nothing new, and in 1.0 Prometheus refuses all that is in the same request for it.',
    where: ['remote-write: *target_info{*: samples'],
  },
  {
    says: 'Points without a time are rejected; there they are sent with that of 1970, for which Prometheus refuses the whole request in 1.0.',
    where: ['remote-write: *without_time: *'],
  },
  {
    says: 'Series that Prometheus cannot have are rejected with a reason: two labels `le`, an exponential histogram whose buckets do not add up or lie beyond 32 bits, or whose scale is too low. There they are sent, and the last one as a series without samples.',
    where: [
      'remote-write: *reserved_le: *',
      'remote-write: *wrong_native: *',
      'remote-write: *native_sizes: *_c{*',
    ],
  },
  {
    says: 'Counts of exponential histograms finer than scale 8 stay in their buckets; there some of those behind empty buckets move to the bucket below.',
    where: ['remote-write: *native_sizes: *_a{*'],
  },
  {
    says: 'An attribute `__name__` does not rename a series.',
    where: ['remote-write: *name_label: *', 'remote-write: *: mine{*: *'],
  },
  {
    says: 'A staleness mark without buckets or quantiles ends those that were there before; there only count and the last bucket.',
    where: ['remote-write: *stale_later: *'],
  },
  {
    says: 'Scope attributes without a value make no label, as no empty label may be written.',
    where: ['remote-write: *empty_scope_attribute: *'],
  },
]
