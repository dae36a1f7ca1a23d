import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareLabelBytes, readLabelsText } from '../../../../core/formats/prometheus/label-text.ts'
import { compareLabels, type LabelSet } from '../../../../core/formats/prometheus/labels.ts'
import { labelsText } from '../../../../core/formats/prometheus/text.ts'
import { Random } from '../../../kit/random.ts'

const NAMES = ['a', 'b_c', 'with.dot', 'quo"te', 'back\\slash', 'new\nline', 'comma,', 'equals=', 'ü']
const PARTS = ['', 'x', 'y', '"', '\\', '\n', ',', '="', 'ü', '\u{1f600}', 'n', '}', ' ', '!']

function randomLabels(random: Random): LabelSet {
  const text = (): string =>
    Array.from({ length: random.below(4) }, () => PARTS[random.below(PARTS.length)]!).join('')
  return NAMES.filter(() => random.chance(0.4))
    .sort()
    .map(name => [name, text()])
}

const bytesOf = (labels: LabelSet) => {
  const text = Buffer.from(`..${labelsText(labels, 'allow-utf-8')}..`)
  return { bytes: text, start: 2, stop: text.length - 2 }
}

/** UTF-16 puts some letters in another order than bytes do. */
const inBytes = (labels: LabelSet): LabelSet =>
  labels.map(([name, value]) => [name, Buffer.from(value).toString('latin1')])

// Scenario: 20,000 sets of labels whose names and values have everything that is escaped.
// Guarantees: the text gives the labels back, and two texts are in the order of their labels, by bytes.
test('labels as text', () => {
  const random = new Random(11)
  let before: LabelSet = []
  for (let i = 0; i < 20_000; i++) {
    const labels = randomLabels(random)
    assert.deepEqual(readLabelsText(labelsText(labels, 'allow-utf-8')), labels)
    if (labels.length === before.length) {
      const order = Math.sign(compareLabelBytes(bytesOf(labels), bytesOf(before)))
      assert.equal(order, compareLabels(inBytes(labels), inBytes(before)), JSON.stringify([labels, before]))
    }
    before = labels
  }
  assert.deepEqual(readLabelsText(''), [])
})
