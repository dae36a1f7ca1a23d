import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogRecordView } from '../../../core/otlp/log-record.ts'
import { ResourceView, ScopeView } from '../../../core/otlp/resource.ts'
import { compileCondition, OttlError } from '../../../core/ottl/condition.ts'
import { CONTEXTS, type Context, type Subject } from '../../../core/ottl/subject.ts'
import { messageType } from '../../kit/proto.ts'

let around = 0

/** A log record with these fields, and a resource with `service.name`. */
function subject(log: Record<string, unknown>): Subject {
  const encode = (name: string, value: object): Uint8Array => {
    const type = messageType(`opentelemetry.proto.${name}`)
    return type.encode(type.fromObject(value)).finish()
  }
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }]
  return {
    around: around++,
    resource: new ResourceView().reset(encode('resource.v1.Resource', { attributes })),
    scope: new ScopeView().reset(encode('common.v1.InstrumentationScope', { name: 'lib' })),
    log: new LogRecordView().reset(encode('logs.v1.LogRecord', log)),
  }
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })
const RECORD = subject({
  severityNumber: 17,
  severityText: 'ERROR',
  body: { stringValue: 'out of "paper"\n' },
  attributes: [
    text('env', 'prod'),
    text('env', 'second'),
    { key: 'n', value: { intValue: '9007199254740993' } },
    { key: 'not', value: { boolValue: false } },
    {
      key: 'list',
      value: { arrayValue: { values: [{ intValue: '1' }, { kvlistValue: { values: [text('a', 'b')] } }] } },
    },
  ],
})

function holds(condition: string, of = RECORD): boolean {
  return compileCondition(condition, 'log')(of)
}

function problem(condition: string, context: Context = 'log'): string {
  try {
    compileCondition(condition, context)
  } catch (error) {
    assert.ok(error instanceof OttlError, String(error))
    return `${error.offset}: ${error.message}; ${error.fix}`
  }
  return ''
}

// Scenario: conditions over a record, of every operator and kind of value, with spaces and brackets as people write them.
// (That each means what it means in the Collector is shown beside it, in test/collector/count.collector.ts.)
// Guarantees: precedence is not, and, or; integers are exact; the first of equal keys counts; escapes are Go's.
test('conditions hold or do not', () => {
  const yes = [
    'attributes["env"] == "prod"',
    'log.attributes["env"]=="prod"',
    ' ( attributes["env"]\n!= "x" ) ',
    'attributes["n"] == 9007199254740993',
    'attributes["n"] != 9007199254740992',
    'attributes["n"] > -1',
    'attributes["n"] > +1.5e3',
    'attributes["n"] == 9007199254740992.0',
    'attributes["not"] == false',
    'attributes["nothing"] == nil',
    'attributes["list"][0] == 1',
    'attributes["list"][1]["a"] == "b"',
    'attributes["list"][9] == nil',
    'attributes["env"]["x"] == nil',
    'body == "out of \\"paper\\"\\n"',
    'body == "out \\x6ff \\u0022paper\\042\\n"',
    'severity_number >= SEVERITY_NUMBER_ERROR and severity_number < SEVERITY_NUMBER_FATAL',
    'true or false and false',
    'not false and true',
    'not (true and false)',
    'not attributes["env"] == "x"',
    'false or attributes["env"] == "prod" and resource.attributes["service.name"] == "shop"',
    'scope.name == instrumentation_scope.name',
    'IsMatch(severity_text, "(?i)^err") and not IsMatch(attributes["nothing"], ".*")',
    '"a" < "b" and 0x01 < 0x0100 and false < true',
    '[1, "x", nil] == [1, "x", nil]',
  ]
  for (const condition of yes) assert.equal(holds(condition), true, condition)
  const no = [
    'attributes["env"] == "second"',
    'attributes["env"] > 5',
    'attributes["env"] < 5',
    'attributes["nothing"] < 5',
    '[1] == ["1"]',
    'not true or false',
    'IsMatch(body, "^paper")',
  ]
  for (const condition of no) assert.equal(holds(condition), false, condition)
})

// Scenario: conditions on the resource, alone and together with the record, over records that have one resource, and then
// another.
// Guarantees: a resource is looked at once for all its records, so that one long attribute of it cannot be worked through
// by a thousand of them; the next one is looked at again.
test('what is around items is asked once', () => {
  let looks = 0
  class Watched extends ResourceView {
    override attributes() {
      looks++
      return super.attributes()
    }
  }
  const { bytes, start, stop } = RECORD.resource
  const watched = (around: number): Subject => ({
    ...RECORD,
    around,
    resource: new Watched().reset(bytes, start, stop),
  })
  const conditions = [
    'resource.attributes["service.name"] == "shop"',
    'IsMatch(resource.attributes["service.name"], "^sh") or false',
    'resource.attributes["service.name"] != attributes["env"]',
  ]
  for (const condition of conditions) {
    looks = 0
    const fits = compileCondition(condition, 'log')
    for (let record = 0; record < 10; record++) assert.equal(fits(watched(1)), true, condition)
    assert.equal(looks, 1, condition)
    assert.equal(
      fits({ ...watched(2), resource: new ResourceView().reset(new Uint8Array()) }),
      condition.includes('!='),
    )
  }
})

// Scenario: conditions with mistakes, and conditions of OTTL that are not here yet.
// Guarantees: each is told with the place, what is wrong and what to do; a word that is nearly right with the right one.
test('conditions that are none', () => {
  const cases: [condition: string, said: RegExp][] = [
    ['', /^0: it ends too early; write a value/],
    ['attributes["env"]', /^0: a value alone is no condition; compare it/],
    ['attributes["env"] = "x"', /^18: "=" is not expected here; write == to compare/],
    ['attributes["env"] == ', /^21: it ends too early/],
    ["body == 'x'", /^8: "'" means nothing here; write texts in "double quotes"/],
    ['body == "x', /^8: """ means nothing here; end the text with "/],
    ['body == "x" && true', /^12: "&" means nothing here; write and, or/],
    ['!true', /^0: "!" means nothing here; write not, or !=/],
    ['body == "x" "y"', /^12: ""y"" is not expected here; join conditions/],
    ['(true', /^5: it ends too early; write \) where it ends/],
    ['not', /^3: it ends too early/],
    ['body == "\\q"', /^9: "\\q" is no escape/],
    ['bdy == "x"', /^0: there is no log\.bdy; did you mean "body"\?/],
    ['log.severty_text == "x"', /^0: there is no log\.severty_text; did you mean "severity_text"\?/],
    ['span.name == "x"', /^0: there is no log\.span\.name/],
    ['resource.attribute["x"] == 1', /did you mean "attributes"\?/],
    ['severity_text["x"] == 1', /^0: severity_text has nothing inside/],
    ['attributes[0] == 1', /^0: attributes\[0\] needs a text/],
    ['attributes[name] == 1', /a key that is a path or a function cannot be had here yet/],
    [
      'severity_number == SEVERITY_NUMBER_EROR',
      /^19: there is no SEVERITY_NUMBER_EROR; did you mean "SEVERITY_NUMBER_ERROR"\?/,
    ],
    ['severity_number == SPAN_KIND_SERVER', /^19: there is no SPAN_KIND_SERVER/],
    ['IsMach(body, "x")', /^0: the function IsMach is not here; did you mean "IsMatch"\?/],
    ['IsMatch(body)', /^0: IsMatch takes 2, not 1/],
    ['IsMatch(body, severity_text)', /the pattern of IsMatch must be a text/],
    ['IsMatch(body, "(")', /"\(" is no pattern/],
    ['isMatch(body, "x")', /^0: neither a path nor a function.*begin with a capital letter/],
    ['match(body, "x")', /^0: neither a path nor a function/],
    ['Len(body) > 1', /the function Len is not here; known here: IsBool/],
    ['severity_number + 1 == 5', /^16: arithmetic cannot be had here yet/],
    ['severity_number == 4 + 1', /^21: arithmetic cannot be had here yet/],
    ['body == {"a": 1}', /a map cannot be had here yet/],
    ['time > time', /log\.time cannot be had here yet/],
    ['trace_id == 0x01', /log\.trace_id cannot be had here yet/],
    ['body == 0x123', /has half a byte/],
    ['severity_number == 99999999999999999999', /too large/],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, /nested too deep/],
    [`body == ${'['.repeat(100)}`, /nested too deep/],
  ]
  for (const [condition, said] of cases) assert.match(problem(condition), said, condition)
  for (const context of CONTEXTS)
    assert.match(problem('nothing == 1', context), new RegExp(`there is no ${context}\\.nothing`))
})
