/** What documents differ in from the spans they were made of. */
export interface Counts {
  /** Texts that were no UTF-8. */
  invalidText: number
  /** Values that were longer than the limit. */
  cutValues: number
  /** Spans that ended before or when they began. */
  fixedDurations: number
  /** Spans that began at a time that no clock shows. */
  impossibleTimes: number
}

export function noCounts(): Counts {
  return { invalidText: 0, cutValues: 0, fixedDurations: 0, impossibleTimes: 0 }
}
