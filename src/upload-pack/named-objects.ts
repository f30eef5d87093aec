/** What the lines of a request name, looked up as they come: what is kept grows with what is here, not with what is said. */
import type { NamingArgument } from '../protocol/upload-request.ts';
import type { CommandContext } from './command.ts';
import { findShallow } from './shallow.ts';
import { findNot, findWant } from './want-objects.ts';

/** Bytes that a number takes in a set, and in the lists that are made of it. */
const PER_NUMBER = 96;

/** Numbers of objects, each once, in the order they were first named. */
export class NamedObjects {
  readonly wants = new Set<number>();
  /** The client's shallow commits that are here. */
  readonly shallow = new Set<number>();
  /** What the refs point at that the client names as beyond its history. */
  readonly not = new Set<number>();
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** @throws PackhorseError `PACKHORSE_NOT_OUR_REF`, `PACKHORSE_PROTOCOL`, `PACKHORSE_BUSY` */
  take(argument: NamingArgument): Promise<void> | undefined {
    const { repository } = this.#context;
    switch (argument.kind) {
      case 'want':
        return this.#takeWant(argument.oid);
      case 'shallow': {
        const number = findShallow(repository.objects, argument.oid);
        if (number >= 0) this.#add(this.shallow, number);
        return undefined;
      }
      case 'deepen-not':
        this.#add(this.not, findNot(repository, argument.name));
        return undefined;
    }
  }

  /** Hardly ever is there anything to wait for, and a million promises take long. */
  #takeWant(oid: string): Promise<void> | undefined {
    const found = findWant(this.#context, oid);
    if (typeof found !== 'number') return found.then((number) => this.addWant(number));
    this.addWant(found);
    return undefined;
  }

  addWant(number: number): void {
    this.#add(this.wants, number);
  }

  #add(set: Set<number>, number: number): void {
    if (set.has(number)) return;
    this.#context.budget.keep(PER_NUMBER);
    set.add(number);
  }
}
