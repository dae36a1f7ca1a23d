/** The sending keys as a config without them has them, but for what a test says. */

import { section } from '../../config/schema.ts'
import { type SendingConfig, sendingFields } from '../../core/component/sending-config.ts'

export function sendingConfig(overrides: {
  readonly queue?: Partial<SendingConfig['sending_queue']>
  readonly retry?: Partial<SendingConfig['retry_on_failure']>
  readonly timeout?: number
}): SendingConfig {
  const defaults = section(sendingFields(), { doc: '' }).absent()
  return {
    timeout: overrides.timeout ?? defaults.timeout,
    retry_on_failure: { ...defaults.retry_on_failure, ...overrides.retry },
    sending_queue: { ...defaults.sending_queue, ...overrides.queue },
  }
}
