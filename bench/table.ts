/** Tables for a terminal and for a Markdown file: padded columns, numbers to the right. */

import type { Report } from './bench.ts';

export type Cell = string | number | boolean;

export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [columns, ...rows.map((row) => row.map(textOf))];
  const widths = columns.map((_, i) => Math.max(3, ...texts.map((row) => row[i].length)));
  const isNumber = columns.map((_, i) => rows.some((row) => typeof row[i] === 'number'));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, i) => (isNumber[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join(' | ')} |`;
  const rule = widths.map((width, i) => (isNumber[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(texts[0]), line(rule), ...texts.slice(1).map(line)].join('\n');
}

/** A table alone; its data are its rows, with their columns named. */
export function tableReport(columns: readonly string[], rows: readonly (readonly Cell[])[]): Report {
  const data = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])));
  return { markdown: table(columns, rows), data };
}

/** Whole numbers in full, others to three digits. */
function textOf(cell: Cell): string {
  if (typeof cell === 'boolean') return cell ? 'yes' : 'NO';
  if (typeof cell === 'string' || Number.isInteger(cell)) return String(cell);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(cell))));
  return cell.toFixed(Math.min(digits, 4));
}
