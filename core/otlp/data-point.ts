/** The four kinds of data points and their exemplars, read lazily. Times are nanoseconds since 1970. */

import {
  ExponentialHistogramDataPointBuckets as Buckets,
  DataPointFlags,
  Exemplar,
  ExponentialHistogramDataPoint as ExponentialPoint,
  HistogramDataPoint as HistogramPoint,
  NumberDataPoint as NumberPoint,
  SummaryDataPointValueAtQuantile as Quantile,
  SummaryDataPoint as SummaryPoint,
} from './fields.ts'
import { Messages, MessageView } from './message.ts'
import { KeyValues } from './value.ts'

/** What all kinds have; time and start time have the same field numbers in each. */
class PointView extends MessageView {
  readonly #attributes = new KeyValues()
  readonly #attributesField: number
  readonly #flagsField: number

  constructor(attributesField: number, flagsField: number) {
    super()
    this.#attributesField = attributesField
    this.#flagsField = flagsField
  }

  attributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, this.#attributesField)
  }

  get startTime(): bigint {
    return this.fixed64(NumberPoint.startTimeUnixNano)
  }

  get time(): bigint {
    return this.fixed64(NumberPoint.timeUnixNano)
  }

  get flags(): number {
    return this.uint32(this.#flagsField)
  }

  /** True for a staleness mark: the point says that there is no value. */
  get noRecordedValue(): boolean {
    return (this.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK) !== 0
  }
}

/** `int64` as bigint, `double` as number; undefined when neither is set. Of two, the last on the wire counts. */
function numberOf(point: MessageView, intField: number, doubleField: number): number | bigint | undefined {
  const atInt = point.startOf(intField)
  const atDouble = point.startOf(doubleField)
  if (atInt === -1 && atDouble === -1) return undefined
  return atInt > atDouble ? point.sfixed64(intField) : point.double(doubleField)
}

export class ExemplarView extends MessageView {
  readonly #attributes = new KeyValues()

  filteredAttributes(): KeyValues {
    return this.#attributes.reset(this.bytes, this.start, this.stop, Exemplar.filteredAttributes)
  }

  get time(): bigint {
    return this.fixed64(Exemplar.timeUnixNano)
  }

  get value(): number | bigint | undefined {
    return numberOf(this, Exemplar.asInt, Exemplar.asDouble)
  }

  get traceId(): string {
    return this.hex(Exemplar.traceId)
  }

  get spanId(): string {
    return this.hex(Exemplar.spanId)
  }
}

export class NumberPointView extends PointView {
  readonly #exemplars = new Messages(new ExemplarView())

  constructor() {
    super(NumberPoint.attributes, NumberPoint.flags)
  }

  get value(): number | bigint | undefined {
    return numberOf(this, NumberPoint.asInt, NumberPoint.asDouble)
  }

  exemplars(): Messages<ExemplarView> {
    return this.#exemplars.reset(this.bytes, this.start, this.stop, NumberPoint.exemplars)
  }
}

export class HistogramPointView extends PointView {
  readonly #exemplars = new Messages(new ExemplarView())

  constructor() {
    super(HistogramPoint.attributes, HistogramPoint.flags)
  }

  get count(): bigint {
    return this.fixed64(HistogramPoint.count)
  }

  get sum(): number | undefined {
    return this.optionalDouble(HistogramPoint.sum)
  }

  get min(): number | undefined {
    return this.optionalDouble(HistogramPoint.min)
  }

  get max(): number | undefined {
    return this.optionalDouble(HistogramPoint.max)
  }

  get bucketCounts(): bigint[] {
    return this.fixed64s(HistogramPoint.bucketCounts)
  }

  get explicitBounds(): number[] {
    return this.doubles(HistogramPoint.explicitBounds)
  }

  exemplars(): Messages<ExemplarView> {
    return this.#exemplars.reset(this.bytes, this.start, this.stop, HistogramPoint.exemplars)
  }
}

export class BucketsView extends MessageView {
  get offset(): number {
    return this.sint32(Buckets.offset)
  }

  get bucketCounts(): bigint[] {
    return this.uint64s(Buckets.bucketCounts)
  }
}

export class ExponentialHistogramPointView extends PointView {
  readonly #exemplars = new Messages(new ExemplarView())
  readonly #positive = new BucketsView()
  readonly #negative = new BucketsView()

  constructor() {
    super(ExponentialPoint.attributes, ExponentialPoint.flags)
  }

  get count(): bigint {
    return this.fixed64(ExponentialPoint.count)
  }

  get sum(): number | undefined {
    return this.optionalDouble(ExponentialPoint.sum)
  }

  get min(): number | undefined {
    return this.optionalDouble(ExponentialPoint.min)
  }

  get max(): number | undefined {
    return this.optionalDouble(ExponentialPoint.max)
  }

  get scale(): number {
    return this.sint32(ExponentialPoint.scale)
  }

  get zeroCount(): bigint {
    return this.fixed64(ExponentialPoint.zeroCount)
  }

  get zeroThreshold(): number {
    return this.double(ExponentialPoint.zeroThreshold)
  }

  /** Empty buckets when absent. */
  get positive(): BucketsView {
    return this.#buckets(this.#positive, ExponentialPoint.positive)
  }

  get negative(): BucketsView {
    return this.#buckets(this.#negative, ExponentialPoint.negative)
  }

  #buckets(view: BucketsView, field: number): BucketsView {
    return this.has(field)
      ? view.reset(this.bytes, this.startOf(field), this.stopOf(field))
      : view.reset(this.bytes, 0, 0)
  }

  exemplars(): Messages<ExemplarView> {
    return this.#exemplars.reset(this.bytes, this.start, this.stop, ExponentialPoint.exemplars)
  }
}

export class QuantileView extends MessageView {
  get quantile(): number {
    return this.double(Quantile.quantile)
  }

  get value(): number {
    return this.double(Quantile.value)
  }
}

export class SummaryPointView extends PointView {
  readonly #quantiles = new Messages(new QuantileView())

  constructor() {
    super(SummaryPoint.attributes, SummaryPoint.flags)
  }

  get count(): bigint {
    return this.fixed64(SummaryPoint.count)
  }

  get sum(): number {
    return this.double(SummaryPoint.sum)
  }

  quantiles(): Messages<QuantileView> {
    return this.#quantiles.reset(this.bytes, this.start, this.stop, SummaryPoint.quantileValues)
  }
}
