/** The one measure of memory: what counts as used, and against which limit. */
import os from 'node:os';
import type { ControlGroup } from './control-group.ts';

/** Bytes. */
export interface MemoryUse {
  readonly used: number;
  readonly limit: number;
}

export class MemoryMeasure {
  readonly #group: ControlGroup;
  readonly #limit: number | undefined;
  readonly #machine = memoryOfMachine();

  /** @param limit bytes of RSS; undefined: there are the limits of the control groups alone */
  constructor(group: ControlGroup, limit: number | undefined) {
    this.#group = group;
    this.#limit = limit;
  }

  /**
   * The use that is nearest to its limit: the working set of a control group, or RSS. Where nothing sets a limit, RSS
   * against all memory there is.
   */
  use(rss: number): MemoryUse {
    const uses: MemoryUse[] = this.#group.memory();
    if (this.#limit !== undefined) uses.push({ used: rss, limit: this.#limit });
    if (uses.length === 0) return { used: rss, limit: this.#machine };
    return uses.reduce((nearest, use) => (share(use) > share(nearest) ? use : nearest));
  }
}

/** 0 to 1, and above where the limit is not enforced. */
export function share({ used, limit }: MemoryUse): number {
  return used / limit;
}

/** Node finds the limit of control groups of version 1 too. */
function memoryOfMachine(): number {
  const constrained = process.constrainedMemory() ?? 0;
  const total = os.totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}
