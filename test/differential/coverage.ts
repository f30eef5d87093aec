/** What the cases of the differential proof have to cover, and what they did. */

export const VERSIONS = [0, 1, 2] as const;
export const FILTERS = [
  'none',
  'blob:none',
  'blob:limit',
  'tree',
  'sparse:oid',
  'object:type',
  'combine',
] as const;
/** `lines`: the client names shallow commits and asks for no limit. */
export const SHALLOWS = ['none', 'lines', 'depth', 'since', 'not', 'relative'] as const;

export type FilterKind = (typeof FILTERS)[number];
export type ShallowKind = (typeof SHALLOWS)[number];

export interface Cell {
  readonly version: (typeof VERSIONS)[number];
  readonly stateless: boolean;
  readonly filter: FilterKind;
  readonly shallow: ShallowKind;
  readonly haves: boolean;
}

export const CELLS: readonly Cell[] = VERSIONS.flatMap((version) =>
  [true, false].flatMap((stateless) =>
    FILTERS.flatMap((filter) =>
      SHALLOWS.flatMap((shallow) =>
        [false, true].map((haves) => ({ version, stateless, filter, shallow, haves })),
      ),
    ),
  ),
);

/** Counts the cases that git answered without an error. */
export class Coverage {
  readonly #counts = new Map<Cell, number>(CELLS.map((cell) => [cell, 0]));
  #cases = 0;
  #answered = 0;

  add(cell: Cell, answered: boolean): void {
    this.#cases++;
    if (!answered) return;
    this.#answered++;
    this.#counts.set(cell, this.#counts.get(cell)! + 1);
  }

  get cases(): number {
    return this.#cases;
  }

  get empty(): Cell[] {
    return CELLS.filter((cell) => this.#counts.get(cell) === 0);
  }

  /** A row for each version, door, filter and use of haves; a column for each kind of limit. */
  toString(): string {
    const rows = [['version', 'stateless', 'filter', 'haves', ...SHALLOWS]];
    for (const first of CELLS.filter(({ shallow }) => shallow === 'none')) {
      const counts = CELLS.filter((cell) => ROW.every((key) => cell[key] === first[key]));
      rows.push([
        `${first.version}`,
        first.stateless ? 'yes' : 'no',
        first.filter,
        first.haves ? 'some' : 'none',
        ...counts.map((cell) => `${this.#counts.get(cell)}`),
      ]);
    }
    const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
    const lines = rows.map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    );
    return [...lines, `${this.#cases} cases, ${this.#answered} of them answered without an error`].join('\n');
  }
}

const ROW = ['version', 'stateless', 'filter', 'haves'] as const;
