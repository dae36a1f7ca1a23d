import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cursor } from '../../../core/otlp/cursor.ts'
import type { Patch } from '../../../core/otlp/patch.ts'
import { CHANGE, DROP, type Editor, KEEP, Rewriter, type Verdict } from '../../../core/otlp/rewrite.ts'
import { validate } from '../../../core/otlp/validate.ts'
import { countItems } from '../../../core/otlp/walk.ts'
import { anyRequest, type Plain } from '../../kit/generate.ts'
import { goldenRequests } from '../../kit/golden.ts'
import { decodeRequest, encodeRequest } from '../../kit/proto.ts'

const WORDS = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
} as const
const DATA = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']

type Edited = keyof typeof WORDS

/** The order in which an editor is asked, with the verdict for each message. */
type Plan = (level: string, nth: number) => Verdict

/** Edits objects as the rewriter should edit bytes; CHANGE takes `attributes` (of a metric: `name`) away. */
class Model {
  readonly #signal: Edited
  readonly #plan: Plan
  readonly #dropsEmpty: boolean
  readonly #counts: Record<string, number> = {}
  dropped = 0

  constructor(signal: Edited, plan: Plan, dropsEmpty: boolean) {
    this.#signal = signal
    this.#plan = plan
    this.#dropsEmpty = dropsEmpty
  }

  edit(request: Plain): Plain {
    const [resources, scopes] = WORDS[this.#signal]
    return this.#filter(request, resources, entry => {
      if (this.#head(entry, 'resource') === DROP) return this.#lose(entry)
      this.#filter(entry, scopes, scope => this.#scope(scope))
      return !this.#dropsEmpty || list(entry, scopes).length > 0
    })
  }

  #scope(entry: Plain): boolean {
    if (this.#head(entry, 'scope') === DROP) return this.#lose(entry)
    const items = WORDS[this.#signal][2]
    this.#filter(entry, items, one => (this.#signal === 'metrics' ? this.#metric(one) : this.#item(one)))
    return !this.#dropsEmpty || list(entry, items).length > 0
  }

  #metric(metric: Plain): boolean {
    const verdict = this.#ask('metric')
    if (verdict === DROP) return this.#lose(metric)
    if (verdict === CHANGE) {
      delete metric['name']
      return true
    }
    const data = DATA.find(name => metric[name] !== undefined)
    if (data === undefined) return true
    this.#filter(metric[data] as Plain, 'dataPoints', point => this.#item(point))
    return !this.#dropsEmpty || list(metric[data] as Plain, 'dataPoints').length > 0
  }

  #item(item: Plain): boolean {
    const verdict = this.#ask('item')
    if (verdict === DROP) this.dropped++
    if (verdict === CHANGE) delete item['attributes']
    return verdict !== DROP
  }

  /** A resource or scope that is not there is made by CHANGE. */
  #head(entry: Plain, name: string): Verdict {
    const verdict = this.#ask(name)
    if (verdict === CHANGE) {
      entry[name] ??= {}
      delete (entry[name] as Plain)['attributes']
    }
    return verdict
  }

  #ask(level: string): Verdict {
    this.#counts[level] = (this.#counts[level] ?? 0) + 1
    return this.#plan(level, this.#counts[level] - 1)
  }

  #lose(message: Plain): false {
    this.dropped += itemsIn(message)
    return false
  }

  #filter(message: Plain, name: string, keep: (child: Plain) => boolean): Plain {
    if (message[name] === undefined) return message
    const kept = list(message, name).filter(keep)
    if (kept.length > 0) message[name] = kept
    else delete message[name]
    return message
  }
}

function list(message: Plain, name: string): Plain[] {
  return (message[name] ?? []) as Plain[]
}

/** Spans, records or points anywhere in a decoded message. */
function itemsIn(message: Plain): number {
  let items = 0
  for (const [name, value] of Object.entries(message)) {
    if (['spans', 'logRecords', 'dataPoints'].includes(name)) items += (value as Plain[]).length
    else if (Array.isArray(value)) for (const one of value) items += itemsIn(one as Plain)
    else if (DATA.includes(name)) items += itemsIn(value as Plain)
  }
  return items
}

const ATTRIBUTES: Readonly<Record<number, number>> = { 5: 7, 7: 7, 9: 9, 10: 1, 11: 7 }

/** Asks the plan, and leaves out fields of one number on CHANGE. */
function editorFor(signal: Edited, plan: Plan, dropsEmpty: boolean): Editor {
  const counts: Record<string, number> = {}
  const ask = (level: string): Verdict => {
    counts[level] = (counts[level] ?? 0) + 1
    return plan(level, counts[level] - 1)
  }
  let itemField = 0
  return {
    dropsEmpty,
    resource: () => ask('resource'),
    scope: () => ask('scope'),
    metric: () => ask('metric'),
    item: (_bytes, _start, _stop, kind) => {
      itemField = kind === 0 ? (signal === 'logs' ? 6 : 9) : ATTRIBUTES[kind]!
      return ask('item')
    },
    write: (patch, start, stop, level) =>
      cutFields(patch, start, stop, { resource: 1, scope: 3, metric: 1, item: itemField }[level]),
  }
}

function cutFields(patch: Patch, start: number, stop: number, field: number): void {
  if (start === stop) patch.cut(start, stop)
  const c = new Cursor(patch.bytes, start, stop)
  while (c.next()) if (c.field === field) patch.cut(c.tagStart, c.stop)
}

/** Verdicts from a seed: mostly KEEP, so that changes are far apart too. */
function planOf(seed: number, levels: readonly string[], change: number): Plan {
  return (level, nth) => {
    if (!levels.includes(level)) return KEEP
    const hash = Math.imul(nth * 31 + level.length + seed, 0x9e3779b1) >>> 16
    if (hash % 100 >= change) return KEEP
    return hash % 2 === 0 ? DROP : CHANGE
  }
}

const LEVELS: readonly (readonly string[])[] = [
  ['item'],
  ['metric', 'item'],
  ['resource'],
  ['scope'],
  ['resource', 'scope', 'metric', 'item'],
]

for (const signal of ['traces', 'logs', 'metrics'] as const) {
  // Scenario: generated requests in two encodings, a random verdict for each message on random levels.
  // Guarantees: decoded, the result is what the same edits on objects give; the bytes are valid; drops are counted;
  // the same object comes back exactly when nothing changed.
  test(`edits of ${signal} agree with edits of objects`, () => {
    const plans = fc.record({
      seed: fc.nat(),
      levels: fc.constantFrom(...LEVELS),
      change: fc.constantFrom(0, 10, 60, 100),
      dropsEmpty: fc.boolean(),
    })
    const check = (
      bytes: Uint8Array,
      seed: number,
      levels: readonly string[],
      change: number,
      drops: boolean,
    ) => {
      const plan = planOf(seed, levels, change)
      const model = new Model(signal, plan, drops)
      const expected = model.edit(decodeRequest(signal, bytes))
      const rewriter = new Rewriter(signal, editorFor(signal, plan, drops))
      const result = rewriter.rewrite(bytes)
      assert.deepEqual(decodeRequest(signal, result), expected)
      validate(result, signal)
      assert.equal(rewriter.dropped, model.dropped)
      assert.equal(countItems(result, signal), countItems(bytes, signal) - model.dropped)
      if (change === 0 && !drops) assert.equal(result, bytes)
    }
    fc.assert(
      fc.property(
        anyRequest(signal, 12),
        plans,
        ({ bytes, untidy }, { seed, levels, change, dropsEmpty }) => {
          check(bytes, seed, levels, change, dropsEmpty)
          // Out of order a Resource comes after its scopes: every level is asked in the same order all the same.
          check(untidy, seed, levels, change, dropsEmpty)
        },
      ),
      { numRuns: 60 },
    )
  })
}

// Scenario: every golden request, one item in three dropped, then every item.
// Guarantees: what is left are the other items; nothing at all when all are dropped.
test('golden requests lose the items that are dropped', () => {
  for (const { signal, plain } of goldenRequests()) {
    if (signal === 'profiles') continue
    let nth = 0
    const some = new Rewriter(signal, { dropsEmpty: true, item: () => (nth++ % 3 === 0 ? DROP : KEEP) })
    const items = countItems(plain, signal)
    assert.equal(countItems(some.rewrite(plain), signal), items - Math.ceil(items / 3))
    const none = new Rewriter(signal, { dropsEmpty: true, item: () => DROP })
    assert.equal(none.rewrite(plain).length, 0)
    assert.equal(none.dropped, items)
  }
})

// Scenario: an item grows from under 128 bytes to over 16384, so that every length above it needs another byte or two.
// Guarantees: all lengths fit; the items around it are untouched.
test('lengths that need more bytes move what is behind them', () => {
  const spans = ['a', 'grow', 'b'].map(name => ({ name }))
  const request = encodeRequest('traces', { resourceSpans: [{ scopeSpans: [{ spans }], schemaUrl: 'u' }] })
  for (const size of [1, 100, 127, 128, 20_000, 3_000_000]) {
    let nth = 0
    const rewriter = new Rewriter('traces', {
      item: () => (nth++ === 1 ? CHANGE : KEEP),
      write: (patch, _start, stop) => patch.cut(stop, stop).string(3, 'x'.repeat(size)),
    })
    const grown = spans.map(span => (span.name === 'grow' ? { ...span, traceState: 'x'.repeat(size) } : span))
    assert.deepEqual(decodeRequest('traces', rewriter.rewrite(request)), {
      resourceSpans: [{ scopeSpans: [{ spans: grown }], schemaUrl: 'u' }],
    })
  }
})

// Scenario: only the resource is asked about, in a request of profiles.
// Guarantees: the resource changes and the rest of the request, dictionary included, does not.
test('resources of profiles can be changed', () => {
  const bytes = encodeRequest('profiles', {
    resourceProfiles: [{ scopeProfiles: [{ profiles: [{ samples: [{ stackIndex: 1 }] }] }] }],
    dictionary: { stringTable: ['', 'x'] },
  })
  const rewriter = new Rewriter('profiles', {
    resource: () => CHANGE,
    write: (patch, start) => {
      const out = patch.cut(start, start)
      out.tag(2, 0)
      out.varint(7)
    },
  })
  assert.deepEqual(decodeRequest('profiles', rewriter.rewrite(bytes)), {
    resourceProfiles: [
      {
        resource: { droppedAttributesCount: 7 },
        scopeProfiles: [{ profiles: [{ samples: [{ stackIndex: 1 }] }] }],
      },
    ],
    dictionary: { stringTable: ['', 'x'] },
  })
})
