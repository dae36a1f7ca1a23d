/** The one line of every verbosity: what kind of batch, and how many of what. */

import type { Batch } from '../../core/component/batch.ts'
import { MessageView } from '../../core/otlp/message.ts'
import { itemsOf, resourcesOf, scopesOf } from './entries.ts'

export interface Summary {
  readonly message: string
  readonly fields: Readonly<Record<string, number>>
}

export function summaryOf(batch: Batch): Summary {
  let resources = 0
  for (const _ of resourcesOf(batch)) resources++
  switch (batch.signal) {
    case 'traces':
      return { message: 'Traces', fields: { 'resource spans': resources, spans: batch.items } }
    case 'logs':
      return { message: 'Logs', fields: { 'resource logs': resources, 'log records': batch.items } }
    case 'profiles':
      return {
        message: 'Profiles',
        fields: { 'resource profiles': resources, 'sample records': batch.items },
      }
    case 'metrics':
      return {
        message: 'Metrics',
        fields: { 'resource metrics': resources, metrics: metricsIn(batch), 'data points': batch.items },
      }
  }
}

function metricsIn(batch: Batch): number {
  let count = 0
  for (const { entry } of resourcesOf(batch)) {
    for (const scope of scopesOf(entry)) {
      const metrics = itemsOf(scope.entry, new MessageView())
      while (metrics.next()) count++
    }
  }
  return count
}
