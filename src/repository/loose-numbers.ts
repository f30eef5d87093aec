/** The loose objects that one request has found, each with a number of its own. */
import type { ObjectDirectory } from './object-directory.ts';
import type { ObjectFormat } from './object-format.ts';

/** The number of the first loose object of a view; packed objects stay below. */
export const FIRST_LOOSE = 2 ** 31;

export class LooseNumbers {
  readonly #format: ObjectFormat;
  readonly #directories: readonly ObjectDirectory[];
  readonly #emptyTreeByte: number;
  readonly #numbers = new Map<string, number>();
  readonly #ids: string[] = [];
  readonly #names = new Map<number, Set<string>[]>();

  constructor(format: ObjectFormat, directories: readonly ObjectDirectory[]) {
    this.#format = format;
    this.#directories = directories;
    this.#emptyTreeByte = Number.parseInt(format.emptyTree.slice(0, 2), 16);
  }

  /** The number of the object whose id stands in `bytes` at `at`, or -1 when no file has it. The empty tree needs none. */
  find(bytes: Uint8Array, at: number): number {
    const first = bytes[at];
    const names = this.names(first);
    if (names.length === 0 && first !== this.#emptyTreeByte) return -1;
    const hex = this.#hexAt(bytes, at);
    const known = this.#numbers.get(hex);
    if (known !== undefined) return known;
    const rest = hex.slice(2);
    if (!names.some((set) => set.has(rest)) && hex !== this.#format.emptyTree) return -1;
    const number = FIRST_LOOSE + this.#ids.length;
    this.#ids.push(hex);
    this.#numbers.set(hex, number);
    return number;
  }

  /** The number that {@link find} has given to an object, wherever it lies now; or -1. */
  given(bytes: Uint8Array, at: number): number {
    return this.#numbers.get(this.#hexAt(bytes, at)) ?? -1;
  }

  hex(number: number): string {
    return this.#ids[number - FIRST_LOOSE];
  }

  /** Names of the loose objects whose ids start with the byte `first`, less their first two digits: a set a directory. */
  names(first: number): readonly Set<string>[] {
    let names = this.#names.get(first);
    if (!names) {
      names = this.#directories.map((directory) => directory.looseNames(first)).filter((set) => set.size > 0);
      this.#names.set(first, names);
    }
    return names;
  }

  /** Lists anew what is looked for from now on. */
  forgetNames(): void {
    this.#names.clear();
  }

  #hexAt(bytes: Uint8Array, at: number): string {
    return Buffer.from(bytes.subarray(at, at + this.#format.bytes)).toString('hex');
  }
}
