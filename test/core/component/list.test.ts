import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Linked, List } from '../../../core/component/list.ts'

interface Member extends Linked<Member> {
  readonly name: string
}

function member(name: string): Member {
  return { name, before: undefined, after: undefined }
}

// Scenario: members are added, taken from the front, from the middle, from the end, twice, and while iterating.
// Guarantees: order and length are right, and who left holds on to nobody.
test('members come in at the end and leave anywhere', () => {
  const list = new List<Member>()
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(member) as [Member, Member, Member, Member]
  for (const one of [a, b, c, d]) list.push(one)
  assert.deepEqual([list.remove(b), list.remove(b), list.remove(d)], [true, false, true])
  assert.deepEqual([b.before, b.after, d.before], [undefined, undefined, undefined])
  list.push(b)
  const names: string[] = []
  for (const one of list) {
    names.push(one.name)
    list.remove(one)
  }
  assert.deepEqual(names, ['a', 'c', 'b'])
  assert.deepEqual([list.length, list.first, list.shift()], [0, undefined, undefined])
})
