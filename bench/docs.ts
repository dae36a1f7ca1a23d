/**
 * docs/performance.json is the run that is published; docs/performance.svg and the generated part of docs/performance.md
 * are made from it. `npm run bench -- --publish` writes all three, `npm run bench:docs` the last two again.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { LoadReport } from './load/report.ts'
import { generated, withGenerated } from './page.ts'
import { plot } from './plot.ts'

const docs = fileURLToPath(new URL('../docs/', import.meta.url))

/** File in docs/ -> what it must be, given the page as it is. */
export function pages(report: LoadReport, page: string): Map<string, string> {
  return new Map([
    ['performance.svg', plot(report)],
    ['performance.md', withGenerated(page, generated(report))],
  ])
}

/** The files written. Throws, and writes nothing, when the run has nothing to plot. */
export function publish(report: LoadReport): string[] {
  const files = new Map([['performance.json', `${JSON.stringify(report, null, 1)}\n`], ...made(report)])
  for (const [name, content] of files) writeFileSync(docs + name, content)
  return [...files.keys()].map(name => `docs/${name}`)
}

function made(report: LoadReport): Map<string, string> {
  return pages(report, readFileSync(`${docs}performance.md`, 'utf8'))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = JSON.parse(readFileSync(`${docs}performance.json`, 'utf8')) as LoadReport
  for (const [name, content] of made(report)) writeFileSync(docs + name, content)
}
