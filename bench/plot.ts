/**
 * The plot of docs/performance.md: spans per second of CPU against spans a request, one panel for each way in. An SVG
 * with its own light and dark colours; series differ in marker and dash as well as in colour.
 */

import type { CellResult, LoadReport } from './load/report.ts'
import { BARE, COLLECTOR, ROTEL, SLUICE } from './load/targets.ts'
import { measured, spreadOf } from './stats.ts'

interface Series {
  readonly id: string
  readonly label: string
  readonly light: string
  readonly dark: string
  readonly dash: string
  /** Around 0,0. */
  readonly marker: string
}

const SERIES: readonly Series[] = [
  { id: 'sluice', label: 'Sluice', light: '#0550ae', dark: '#79c0ff', dash: '', marker: '<circle r="4"/>' },
  {
    ...{ id: 'otelcol', label: 'Collector', light: '#bc4c00', dark: '#ffa657', dash: '' },
    marker: '<rect x="-3.8" y="-3.8" width="7.6" height="7.6"/>',
  },
  {
    ...{ id: 'rotel', label: 'Rotel', light: '#1a7f37', dark: '#56d364', dash: '' },
    marker: '<path d="M0-5L4.8 3.8H-4.8Z"/>',
  },
  {
    ...{ id: 'bare', label: 'bare sink', light: '#6e7781', dark: '#9ea7b3', dash: '5 4' },
    marker: '<path d="M0-5L5 0L0 5L-5 0Z"/>',
  },
]

const PANELS = [
  { door: 'http', encoding: 'plain', title: 'HTTP' },
  { door: 'grpc', encoding: 'plain', title: 'gRPC' },
  { door: 'http', encoding: 'gzip', title: 'HTTP, gzip' },
  { door: 'grpc', encoding: 'gzip', title: 'gRPC, gzip' },
] as const

const PANEL = { width: 340, height: 215, left: 62, top: 74, gapX: 66, gapY: 66 }

function seriesOf({ target, door }: CellResult): string | undefined {
  if (target === SLUICE || target === COLLECTOR || target === ROTEL) return target
  return target === BARE[door] ? 'bare' : undefined
}

/** Spans per second of CPU; the slowest round is the lowest figure. */
function rate({ spans, cpuUs }: CellResult) {
  const { median, low, high } = spreadOf(measured(cpuUs))
  const perSecond = (us: number) => (spans * 1e6) / us
  return { spans, median: perSecond(median), low: perSecond(high), high: perSecond(low) }
}

/** 950 -> 950, 20000 -> 20 k, 1500000 -> 1.5 M. */
export function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`
  return value >= 1e3 ? `${Number((value / 1e3).toPrecision(3))} k` : String(Number(value.toPrecision(3)))
}

/** 1, 2, 5, 10, .. around the values: the last that none is below to the first that none is above. */
export function logTicks(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const steps: number[] = []
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++)
    for (const step of [1, 2, 5]) steps.push(Number(`${step}e${power}`))
  const from = steps.findLastIndex(step => step <= least)
  const to = steps.findIndex(step => step >= most)
  return steps.slice(Math.max(0, from), Math.max(to, from + 1) + 1)
}

function logScale(from: number, to: number, start: number, stop: number): (value: number) => number {
  const span = Math.log(to / from) || 1
  return value => Math.round((start + (Math.log(value / from) / span) * (stop - start)) * 10) / 10
}

const THEMES = {
  light: { page: '#ffffff', ink: '#1f2328', soft: '#59636e', grid: '#d8dee4' },
  dark: { page: '#0d1117', ink: '#e6edf3', soft: '#9198a1', grid: '#30363d' },
} as const

/** Plain rules for each theme rather than CSS variables, which some viewers of SVG do not know. */
function colours(theme: keyof typeof THEMES): string {
  const { page, ink, soft, grid } = THEMES[theme]
  const series = SERIES.map(one => {
    const colour = one[theme]
    return `.${one.id} .line,.${one.id} .range{stroke:${colour}}.${one.id} .mark{fill:${colour}}`
  })
  return [
    `.page{fill:${page}}.mark{stroke:${page}}text{fill:${ink}}.soft{fill:${soft}}.grid{stroke:${grid}}`,
    ...series,
  ].join('\n')
}

function style(): string {
  return `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
.title{font-size:15px;font-weight:600}.panel{font-size:13px;font-weight:600}.grid{stroke-width:1}
.line{fill:none;stroke-width:2}.range{stroke-width:1.2;opacity:.75}.mark{stroke-width:1}
${colours('light')}
@media (prefers-color-scheme:dark){
${colours('dark')}
}
</style>`
}

function panel(cells: readonly CellResult[], title: string, x0: number, y0: number, ticks: Ticks): string {
  const { width, height } = PANEL
  const x = logScale(ticks.x[0]!, ticks.x.at(-1)!, x0 + 12, x0 + width - 12)
  const y = logScale(ticks.y[0]!, ticks.y.at(-1)!, y0 + height, y0)
  const parts = [`<text class="panel" x="${x0}" y="${y0 - 10}">${title}</text>`]
  for (const tick of ticks.y) {
    parts.push(`<line class="grid" x1="${x0}" x2="${x0 + width}" y1="${y(tick)}" y2="${y(tick)}"/>`)
    parts.push(`<text class="soft" x="${x0 - 7}" y="${y(tick) + 4}" text-anchor="end">${short(tick)}</text>`)
  }
  for (const tick of ticks.x)
    parts.push(
      `<text class="soft" x="${x(tick)}" y="${y0 + height + 17}" text-anchor="middle">${short(tick)}</text>`,
    )
  for (const { id, dash, marker } of SERIES) {
    const points = cells
      .filter(cell => seriesOf(cell) === id && measured(cell.cpuUs).length > 0)
      .map(rate)
      .sort((a, b) => a.spans - b.spans)
    if (points.length === 0) continue
    const line = points.map(point => `${x(point.spans)},${y(point.median)}`).join(' ')
    const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`
    const drawn = points.map(({ spans, median, low, high }) => {
      const at = x(spans)
      const range = `<line class="range" x1="${at}" x2="${at}" y1="${y(low)}" y2="${y(high)}"/>`
      return `${range}<g class="mark" transform="translate(${at} ${y(median)})">${marker}</g>`
    })
    parts.push(`<g class="${id}"><polyline class="line"${dashes} points="${line}"/>${drawn.join('')}</g>`)
  }
  return parts.join('\n')
}

interface Ticks {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

function legend(present: readonly Series[]): string {
  let x = PANEL.left
  return present
    .map(({ id, label, dash, marker }) => {
      const at = x
      x += 60 + label.length * 7
      const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`
      const line = `<line class="line"${dashes} x1="${at}" x2="${at + 26}" y1="44" y2="44"/>`
      const mark = `<g class="mark" transform="translate(${at + 13} 44)">${marker}</g>`
      return `<g class="${id}">${line}${mark}<text x="${at + 33}" y="48">${label}</text></g>`
    })
    .join('\n')
}

/** Throws when the report has no `nop` cells. */
export function plot(report: Pick<LoadReport, 'cells'>): string {
  const cells = report.cells.filter(
    cell => cell.case === 'nop' && seriesOf(cell) !== undefined && measured(cell.cpuUs).length > 0,
  )
  if (cells.length === 0) throw new Error('nothing to plot: the run has no "nop" cells')
  const rates = cells.map(rate).flatMap(({ low, high }) => [low, high])
  const ticks = { x: [...new Set(cells.map(({ spans }) => spans))].sort((a, b) => a - b), y: logTicks(rates) }
  const panels = PANELS.map(one => ({
    ...one,
    cells: cells.filter(({ door, encoding }) => door === one.door && encoding === one.encoding),
  })).filter(one => one.cells.length > 0)
  const present = SERIES.filter(({ id }) => cells.some(cell => seriesOf(cell) === id))
  const rows = Math.ceil(panels.length / 2)
  const width = PANEL.left + 2 * PANEL.width + PANEL.gapX + 20
  const height = PANEL.top + rows * (PANEL.height + PANEL.gapY) + 6
  const title = 'Spans per second of CPU, by spans a request'
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${title}</title>`,
    '<desc id="desc">Medians; thin lines reach from the slowest to the fastest round. Both axes are logarithmic; higher is better.</desc>',
    style(),
    `<rect width="${width}" height="${height}" class="page"/>`,
    `<text class="title" x="${PANEL.left}" y="24">${title}</text>`,
    legend(present),
    ...panels.map((one, i) => {
      const [column, row] = [i % 2, i >> 1]
      const x0 = PANEL.left + column * (PANEL.width + PANEL.gapX)
      return panel(one.cells, one.title, x0, PANEL.top + 24 + row * (PANEL.height + PANEL.gapY), ticks)
    }),
    `<text class="soft" x="${width - 20}" y="24" text-anchor="end">higher is better; both axes logarithmic</text>`,
    `<text class="soft" x="${width - 20}" y="${height - 6}" text-anchor="end">spans a request</text>`,
    '</svg>',
  ].join('\n')}\n`
}
