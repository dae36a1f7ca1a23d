/** "Did you mean": the closest known word to a mistyped one. */

/** Edits (insert, delete, replace, swap of neighbours) between two words; stops counting above `most`. */
export function editDistance(a: string, b: string, most = 4): number {
  if (Math.abs(a.length - b.length) > most) return most + 1
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    before = above
    above = row
  }
  return above[b.length]!
}

/** The known word nearest to `word`, or undefined when none is near enough to be what was meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_]/g, '')
  let best: string | undefined
  // One letter is an edit away from any other.
  let bestCost = word.length < 2 ? 1 : Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    if (plain(candidate) === plain(word)) return candidate
    const cost = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (cost < bestCost) {
      best = candidate
      bestCost = cost
    }
  }
  return best
}

/** `did you mean "x"?`, or a list of what there is, or ''. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const words = [...known]
  const near = nearest(word, words)
  if (near !== undefined) return `did you mean "${near}"?`
  if (words.length === 0 || words.length > 40) return ''
  return `known here: ${words
    .map(known => known || '""')
    .sort()
    .join(', ')}`
}
