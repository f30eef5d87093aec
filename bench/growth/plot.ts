/** Plots as SVG: panels side by side, both axes logarithmic and the same in all of them. */

export interface Plot {
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Names of the series, which each panel has in this order. */
  readonly legend: readonly string[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly (readonly Place[])[];
}

/** Both above 0. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** All sizes are in pixels. */
const PANEL_WIDTH = 250;
const PANEL_HEIGHT = 220;
const GAP = 24;
const LEFT = 56;
const TOP = 78;
const BOTTOM = 46;
const RIGHT = 20;
const COLORS = ['#0b6e99', '#c2410c', '#7aa6b8', '#6b7280'];
const TEXT = 'font-family="sans-serif" font-size="12" fill="#1f2937"';
/** How far an axis goes beyond the outermost point, as a factor. */
const MARGIN = 1.4;

export function plotSvg({ title, panels, legend }: Plot): string {
  const places = panels.flatMap(({ series }) => series.flat());
  const xAxis = new LogAxis(
    places.map(({ x }) => x),
    PANEL_WIDTH,
  );
  const yAxis = new LogAxis(
    places.map(({ y }) => y),
    PANEL_HEIGHT,
  );
  const width = LEFT + panels.length * (PANEL_WIDTH + GAP) - GAP + RIGHT;
  const height = TOP + PANEL_HEIGHT + BOTTOM;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(LEFT, 22, title, 'font-weight="bold"'),
    ...legend.flatMap((name, i) => [
      `<circle cx="${LEFT + 5 + i * 160}" cy="40" r="4" fill="${COLORS[i]}"/>`,
      text(LEFT + 15 + i * 160, 44, name),
    ]),
    ...panels.flatMap((panel, i) => drawPanel(panel, LEFT + i * (PANEL_WIDTH + GAP), xAxis, yAxis, i === 0)),
    text(LEFT + (width - LEFT - RIGHT) / 2, height - 8, 'objects', 'text-anchor="middle"'),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function drawPanel(panel: Panel, left: number, xAxis: LogAxis, yAxis: LogAxis, labelled: boolean): string[] {
  const bottom = TOP + PANEL_HEIGHT;
  const right = left + PANEL_WIDTH;
  const x = (value: number) => round(left + xAxis.place(value));
  const y = (value: number) => round(bottom - yAxis.place(value));
  return [
    text(left + PANEL_WIDTH / 2, TOP - 10, panel.title, 'text-anchor="middle"'),
    `<rect x="${left}" y="${TOP}" width="${PANEL_WIDTH}" height="${PANEL_HEIGHT}" fill="none" stroke="#9ca3af"/>`,
    ...xAxis.ticks.flatMap((tick) => [
      gridLine(x(tick), TOP, x(tick), bottom),
      text(x(tick), bottom + 16, short(tick), 'text-anchor="middle"'),
    ]),
    ...yAxis.ticks.flatMap((tick) => [
      gridLine(left, y(tick), right, y(tick)),
      ...(labelled ? [text(left - 6, y(tick) + 4, short(tick), 'text-anchor="end"')] : []),
    ]),
    ...panel.series.flatMap((places, i) => [
      `<polyline fill="none" stroke="${COLORS[i]}" stroke-width="2" points="${places
        .map((place) => `${x(place.x)},${y(place.y)}`)
        .join(' ')}"/>`,
      ...places.map((place) => `<circle cx="${x(place.x)}" cy="${y(place.y)}" r="4" fill="${COLORS[i]}"/>`),
    ]),
  ];
}

class LogAxis {
  readonly ticks: readonly number[];
  readonly #from: number;
  readonly #to: number;
  readonly #length: number;

  constructor(values: readonly number[], length: number) {
    this.#from = Math.min(...values) / MARGIN;
    this.#to = Math.max(...values) * MARGIN;
    this.#length = length;
    const decades = Math.log10(this.#to / this.#from);
    this.ticks = ticksBetween(this.#from, this.#to, decades > 2 ? [1] : [1, 2, 5]);
  }

  /** Pixels from the axis's start. */
  place(value: number): number {
    return (Math.log(value / this.#from) / Math.log(this.#to / this.#from)) * this.#length;
  }
}

/** The multiples of the powers of ten that lie there. */
function ticksBetween(from: number, to: number, multiples: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); 10 ** power <= to; power++) {
    ticks.push(...multiples.map((multiple) => multiple * 10 ** power));
  }
  return ticks.filter((tick) => tick >= from && tick <= to);
}

function gridLine(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#e5e7eb"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}" ${TEXT} ${attributes}>${escapeText(content)}</text>`;
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

/** 2,000,000 is `2M`. */
function short(value: number): string {
  if (value >= 1e6) return `${round(value / 1e6)}M`;
  if (value >= 1e3) return `${round(value / 1e3)}k`;
  return String(Number(value.toPrecision(1)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
