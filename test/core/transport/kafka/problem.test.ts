import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answered, silent } from '../../../../core/transport/kafka/problem.ts'

// Scenario: errors that brokers answer with, known and unknown ones.
// Guarantees: each has its kind, its code and what to do; what is not known may pass.
test('answers of brokers', () => {
  const cases: [string, string, RegExp][] = [
    ['UNKNOWN_TOPIC_OR_PARTITION', 'no topic', /make the topic/],
    ['MESSAGE_TOO_LARGE', 'too large', /max_message_bytes/],
    ['SASL_AUTHENTICATION_FAILED', 'credentials', /look at auth\.sasl/],
    ['TOPIC_AUTHORIZATION_FAILED', 'forbidden', /ACL/],
    ['INVALID_TOPIC_EXCEPTION', 'refused', /INVALID_TOPIC/],
    ['NOT_LEADER_OR_FOLLOWER', 'busy', /topic t: NOT_LEADER/],
    ['SOMETHING_NEW', 'busy', /SOMETHING_NEW/],
  ]
  for (const [code, kind, words] of cases) {
    const problem = answered(code, 'said', 'topic t')
    assert.equal(problem.kind, kind)
    assert.equal(problem.code, code)
    assert.match(problem.message, words)
    assert.equal(problem.unknown, false)
  }
  assert.equal(answered('REQUEST_TIMED_OUT', '', 'x').unknown, true)
})

// Scenario: no answer, before and after the request left.
// Guarantees: only the second may have been done.
test('silence', () => {
  assert.equal(silent('broker', 'ECONNREFUSED', false).unknown, false)
  assert.equal(silent('broker', 'closed', true).unknown, true)
})
