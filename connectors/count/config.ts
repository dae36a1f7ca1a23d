/** Keys of the count connector (contrib countconnector 0.155). */

import { list, map, type Schema, section, text, type ValueOf } from '../../config/schema.ts'
import { configValue } from '../../core/component/config-value.ts'
import { compileCondition, OttlError } from '../../core/ottl/condition.ts'
import type { Context } from '../../core/ottl/subject.ts'

const ATTRIBUTE = section(
  {
    key: text({ required: true, doc: 'Key of an attribute.' }),
    default_value: configValue({
      doc: 'Stands for it where it is missing. Without it such items are not counted.',
    }),
  },
  { doc: 'An attribute of what is counted, of its scope or of its resource, by which it is told apart.' },
)

/** What is wrong with a condition, and where in it. */
function conditionProblem(context: Context) {
  return (written: string): readonly [wrong: string, fix: string] | undefined => {
    try {
      compileCondition(written, context)
      return undefined
    } catch (error) {
      if (!(error instanceof OttlError)) throw error
      const { message, offset, fix } = error
      return [`${message}, at letter ${offset + 1} of ${written}`, fix]
    }
  }
}

function metrics(items: string, context: Context | undefined, by = true) {
  const info = section(
    {
      description: text({ default: '', doc: 'Of the metric.' }),
      conditions: list(
        text({
          doc: 'A condition in OTTL.',
          ...(context === undefined ? {} : { check: conditionProblem(context) }),
        }),
        { doc: 'What fits one of these is counted. None: everything is.' },
      ),
      attributes: list(ATTRIBUTE, { doc: 'Counted apart by these.' }),
    },
    {
      doc: 'A metric.',
      check({ conditions, attributes }, report) {
        if (context === undefined && conditions.length > 0)
          report.error('conditions', `of ${items} cannot be had here yet`, 'write it without')
        if (!by && attributes.length > 0)
          report.error('attributes', `of ${items} cannot be had`, 'write it without')
        const keys = attributes.map(({ key }) => key)
        const twice = keys.find((key, i) => keys.indexOf(key) < i)
        if (twice !== undefined) report.error('attributes', `have "${twice}" twice`, 'write it once')
      },
    },
  )
  const all = map(info, { doc: `Metrics that count ${items}, by name. None: the usual one.` })
  return named(all)
}

function named<T>(schema: Schema<ReadonlyMap<string, T>>): Schema<ReadonlyMap<string, T>> {
  return {
    ...schema,
    read(node, path, check) {
      const value = schema.read(node, path, check)
      if (value.has(''))
        check.error(node.at, path, 'has a metric without a name', 'write its name before the colon')
      return value
    },
  }
}

export const config = section(
  {
    spans: metrics('spans', 'span'),
    spanevents: metrics('events of spans', 'spanevent'),
    metrics: metrics('metrics', 'metric', false),
    datapoints: metrics('data points', 'datapoint'),
    logs: metrics('log records', 'log'),
    profiles: metrics('profiles', undefined, false),
  },
  { doc: 'Counts what passes, as metrics.' },
)

export type CountConfig = ValueOf<typeof config>
export type Kind = keyof CountConfig
export type MetricInfo = CountConfig['spans'] extends ReadonlyMap<string, infer Info> ? Info : never

/** What is counted when nothing else is written. */
export const DEFAULTS: Readonly<Record<Kind, readonly [name: string, description: string]>> = {
  spans: ['trace.span.count', 'The number of spans observed.'],
  spanevents: ['trace.span.event.count', 'The number of span events observed.'],
  metrics: ['metric.count', 'The number of metrics observed.'],
  datapoints: ['metric.datapoint.count', 'The number of data points observed.'],
  logs: ['log.record.count', 'The number of log records observed.'],
  profiles: ['profile.count', 'The number of profiles observed.'],
}

/** Each kind's own context; profiles have none yet. */
export const CONTEXT_OF: Readonly<Record<Kind, Context | undefined>> = {
  spans: 'span',
  spanevents: 'spanevent',
  metrics: 'metric',
  datapoints: 'datapoint',
  logs: 'log',
  profiles: undefined,
}
