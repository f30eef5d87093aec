/** Which parts of the sources have been run: block coverage of V8, through the inspector. */
import inspector from 'node:inspector';

type Range = inspector.Profiler.CoverageRange;

const SOURCES = /\/(src\/.*)$/;

/** Characters of the sources: of functions that have been called, and those of them that have been run. */
export interface Covered {
  readonly called: number;
  readonly run: number;
}

/** Functions that have been called, with the ranges of their blocks. */
export type Taken = readonly { readonly key: string; readonly ranges: readonly Range[] }[];

export class Coverage {
  readonly #session = new inspector.Session();
  /** By function: the stretches that have never been run. */
  readonly #missing = new Map<string, Range[]>();
  readonly #sizes = new Map<string, number>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What has been run since the last time. */
  take(): Taken {
    let functions: Taken = [];
    // The session answers at once.
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error) throw error;
      functions = result.flatMap(({ url, functions }) => {
        const [, source] = SOURCES.exec(url) ?? [];
        if (source === undefined) return [];
        const called = functions.filter(({ ranges }) => ranges[0].count > 0);
        return called.map(({ ranges }) => ({ key: keyOf(source, ranges), ranges }));
      });
    });
    return functions;
  }

  /** Whether that was not all known. */
  isNew(taken: Taken): boolean {
    return taken.some(({ key, ranges }) => {
      const known = this.#missing.get(key);
      return known === undefined || sizeOf(common(known, notRun(ranges))) < sizeOf(known);
    });
  }

  /** Makes it known. */
  add(taken: Taken): void {
    for (const { key, ranges } of taken) {
      const known = this.#missing.get(key);
      const missing = notRun(ranges);
      this.#sizes.set(key, ranges[0].endOffset - ranges[0].startOffset);
      this.#missing.set(key, known === undefined ? missing : common(known, missing));
    }
  }

  get covered(): Covered {
    let called = 0;
    let missing = 0;
    for (const size of this.#sizes.values()) called += size;
    for (const ranges of this.#missing.values()) missing += sizeOf(ranges);
    return { called, run: called - missing };
  }

  stop(): void {
    this.#session.disconnect();
  }
}

function keyOf(source: string, [whole]: readonly Range[]): string {
  return `${source}:${whole.startOffset}:${whole.endOffset}`;
}

/** Ranges lie in one another, the outer first: what counts is the innermost. */
function notRun(ranges: readonly Range[]): Range[] {
  const missing: Range[] = [];
  for (const range of ranges) {
    const others = missing.splice(0).flatMap((other) => without(other, range));
    missing.push(...others);
    if (range.count === 0) missing.push(range);
  }
  return missing;
}

function without(range: Range, other: Range): Range[] {
  if (other.endOffset <= range.startOffset || other.startOffset >= range.endOffset) return [range];
  const before = { ...range, endOffset: other.startOffset };
  const behind = { ...range, startOffset: other.endOffset };
  return [before, behind].filter(({ startOffset, endOffset }) => startOffset < endOffset);
}

function common(some: readonly Range[], others: readonly Range[]): Range[] {
  return some.flatMap((a) =>
    others
      .map((b) => ({
        count: 0,
        startOffset: Math.max(a.startOffset, b.startOffset),
        endOffset: Math.min(a.endOffset, b.endOffset),
      }))
      .filter(({ startOffset, endOffset }) => startOffset < endOffset),
  );
}

function sizeOf(ranges: readonly Range[]): number {
  return ranges.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
}
