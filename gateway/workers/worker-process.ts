/** One worker as its primary sees it: a process that is asked and answers, and that may end at any moment. */

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LogRecord } from '../../core/telemetry/log.ts'
import type { Answer, OrderName, Report, StartOrder, ToPrimary, ToWorker } from './messages.ts'

const PROGRAM = fileURLToPath(new URL('../start.js', import.meta.url))

/** Which environment variable makes a process of gateway/start.js a worker, and says which one. */
export const SEAT_VARIABLE = 'SLUICE_WORKER'

export interface Listener {
  reported(report: Report): void
  logged(line: Omit<LogRecord, 'time'>): void
}

interface Waiting {
  answered(answer: Answer<OrderName>): void
  failed(error: Error): void
}

export class WorkerProcess {
  /** How it ended: `with exit code 1`, `by SIGKILL`. Never rejects. */
  readonly gone: Promise<string>
  /** Where its parts listen. Rejects with the reason when it cannot start. */
  readonly started: Promise<Answer<'start'>>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0

  constructor(seat: number, order: StartOrder, env: NodeJS.ProcessEnv, listener: Listener) {
    this.#child = fork(PROGRAM, [], {
      env: { ...env, [SEAT_VARIABLE]: String(seat) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', message => this.#heard(message as ToPrimary, listener))
    this.gone = this.#end()
    this.started = this.ask('start', order)
    // Whoever cares awaits it; nobody has to.
    this.started.catch(() => {})
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Rejects with the worker's reason, or when it ends before it has answered. */
  ask<N extends OrderName>(order: N, what: ToWorker<N>['with']): Promise<Answer<N>> {
    const id = ++this.#asked
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { answered: answer => resolve(answer as Answer<N>), failed: reject })
      if (this.#child.connected) this.#child.send({ id, order, with: what }, () => {})
      else this.#giveUp('it has ended')
    })
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #heard(message: ToPrimary, listener: Listener): void {
    if ('log' in message) listener.logged(message.log)
    else if ('report' in message) listener.reported(message.report)
    else {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if ('error' in message) waiting?.failed(new Error(message.error))
      else waiting?.answered(message.answer)
    }
  }

  /** Everything it said has been heard by then. */
  async #end(): Promise<string> {
    const child = this.#child
    const silent = new Promise<void>(resolve => child.once('disconnect', resolve))
    const how = await new Promise<string>(resolve => {
      child.on('error', error => {
        if (child.pid === undefined) resolve(`because it cannot be run: ${error.message}`)
      })
      child.once('exit', (code, signal) =>
        resolve(signal === null ? `with exit code ${code}` : `by ${signal}`),
      )
    })
    if (child.connected && child.pid !== undefined) await silent
    this.#giveUp(`it ended ${how}`)
    return how
  }

  #giveUp(why: string): void {
    for (const { failed } of this.#waiting.values()) failed(new Error(why))
    this.#waiting.clear()
  }
}
