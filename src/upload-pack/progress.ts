/** git's own progress lines on band 2 (protocol section 5.10). */
import type { Source } from '../pack/bytes.ts';
import type { ResponseSink } from './response-sink.ts';
import type { Statistics } from './statistics.ts';

/** Milliseconds between two interim lines. */
const INTERVAL = 1000;

export class Progress {
  readonly #sink: Pick<ResponseSink, 'sendProgress'>;
  readonly #silent: boolean;
  #next = performance.now() + INTERVAL;

  constructor(sink: Pick<ResponseSink, 'sendProgress'>, silent: boolean) {
    this.#sink = sink;
    this.#silent = silent;
  }

  /** An interim count whose total is not known; at most one line a second leaves. */
  counting(title: string, n: number): void {
    if (this.#silent || performance.now() < this.#next) return;
    this.#next = performance.now() + INTERVAL;
    this.#sink.sendProgress(`${title}: ${n}\r`);
  }

  enumerated(n: number): void {
    this.#line(`Enumerating objects: ${n}, done.`);
    if (n > 0) this.#line(`Counting objects: 100% (${n}/${n}), done.`);
  }

  /**
   * git's line, then what git has no words for.
   * @param packs how many packs runs were copied from
   */
  total(
    objects: Readonly<Record<Source, number>>,
    bytes: Readonly<Record<Source, number>>,
    packs: number,
    { objects: { total }, bitmap, phases }: Readonly<Statistics>,
  ): void {
    const { verbatim, delta, stream, made, kept, deflated } = objects;
    const list = (values: object, show: (value: number) => string) =>
      Object.entries(values)
        .map(([name, value]) => `${name} ${show(value)}`)
        .join(', ');
    this.#line(
      `Total ${total} (delta ${delta + made}), reused ${delta + stream} (delta ${delta}), ` +
        `pack-reused ${verbatim} (from ${packs}); made ${made}, kept ${kept}, deflated ${deflated}; bitmap ${bitmap}; ` +
        `bytes: ${list(bytes, String)}; seconds: ${list(phases, (n) => n.toFixed(2))}`,
    );
  }

  #line(text: string): void {
    if (!this.#silent) this.#sink.sendProgress(`${text}\n`);
  }
}
