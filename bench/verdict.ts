/** Judges the ratios of a run against those of the baseline: worse, not worse, or too noisy to say. */

import type { Ratio } from './load/ratios.ts'
import { logError, median } from './stats.ts'
import { figure, table } from './table.ts'

/** A ratio this much worse fails. */
export const WORSE = 0.15

/**
 * `worse`: by the limit or more, and by more than the noise explains. `unclear`: the noise is larger than the limit, so
 * neither can be said. `ok`: neither.
 */
export type Verdict = 'ok' | 'worse' | 'unclear'

export interface Judgement {
  readonly place: string
  readonly name: string
  readonly before: number
  readonly now: number
  /** 0.2: a fifth worse, -0.2: a fifth better, whatever the direction of the ratio. */
  readonly worse: number
  /** Two standard errors of `worse`, from how far the rounds of both runs lie apart. */
  readonly noise: number
  readonly verdict: Verdict
}

export interface Comparison {
  readonly judged: readonly Judgement[]
  /** Ratios of the baseline that this run did not measure, and the other way round. */
  readonly notMeasured: readonly string[]
  readonly notInBaseline: readonly string[]
}

const keyOf = ({ place, name }: Ratio): string => `${place}: ${name}`

function judge(before: Ratio, now: Ratio, limit: number): Judgement {
  const [was, is] = [median(before.rounds), median(now.rounds)]
  const growth = Math.log(is / was)
  const worse = before.better === 'higher' ? -growth : growth
  const noise = 2 * Math.hypot(logError(before.rounds), logError(now.rounds))
  const most = Math.log(1 + limit)
  const verdict: Verdict = worse >= most && worse > noise ? 'worse' : noise > most ? 'unclear' : 'ok'
  const { place, name } = now
  return { place, name, before: was, now: is, worse: Math.expm1(worse), noise: Math.expm1(noise), verdict }
}

export function compare(
  baseline: readonly Ratio[],
  run: readonly Ratio[],
  limit: number = WORSE,
): Comparison {
  const before = new Map(baseline.map(ratio => [keyOf(ratio), ratio]))
  const now = new Map(run.map(ratio => [keyOf(ratio), ratio]))
  const both = [...now].filter(([key]) => before.has(key))
  return {
    judged: both.map(([key, ratio]) => judge(before.get(key)!, ratio, limit)),
    notMeasured: [...before.keys()].filter(key => !now.has(key)),
    notInBaseline: [...now.keys()].filter(key => !before.has(key)),
  }
}

/** 0: nothing got worse. 1: something did. 2: most of it could not be judged, so that a 0 would be a lie. */
export function exitCode({ judged }: Comparison): 0 | 1 | 2 {
  if (judged.some(({ verdict }) => verdict === 'worse')) return 1
  const unclear = judged.filter(({ verdict }) => verdict === 'unclear').length
  return judged.length === 0 || unclear * 2 > judged.length ? 2 : 0
}

function percent(share: number): string {
  if (!Number.isFinite(share)) return 'unknown'
  const whole = Math.round(share * 100)
  return `${whole > 0 ? '+' : ''}${whole === 0 ? 0 : whole} %`
}

/** For people: what was compared, each ratio, and what follows. */
export function explain(comparison: Comparison, limit: number = WORSE): string {
  const { judged, notMeasured, notInBaseline } = comparison
  const rows = [...judged]
    .sort((a, b) => b.worse - a.worse)
    .map(({ place, name, before, now, worse, noise, verdict }) => [
      `${place}  ${name}`,
      ...[figure(before), figure(now), percent(worse), `${percent(noise).replace('+', '')}`, verdict],
    ])
  const lines = [
    'Each line is the median, over the rounds, of a ratio between two servers that took turns in the same round.',
    `"change" is how much worse it got (minus: better); "noise" is two standard errors of that, from the rounds of both runs.`,
    `worse: ${percent(limit)} or more, and more than the noise. unclear: the noise is above ${percent(limit).slice(1)}; nothing can be said.`,
    '',
    table(['', 'baseline', 'now', 'change', 'noise', 'verdict'], rows),
    '',
  ]
  if (notMeasured.length > 0) lines.push(`In the baseline and not in this run: ${notMeasured.length}`)
  for (const key of notInBaseline) lines.push(`Not in the baseline: ${key}`)
  const count = (verdict: Verdict) => judged.filter(one => one.verdict === verdict).length
  lines.push(
    `${judged.length} ratios: ${count('ok')} ok, ${count('worse')} worse, ${count('unclear')} unclear.`,
  )
  if (count('unclear') > 0)
    lines.push('For the unclear ones: a quieter machine, or more rounds (--rounds 9).')
  if (exitCode(comparison) === 2) lines.push('Most of it could not be judged: this run says nothing.')
  return lines.join('\n')
}
