/** Where an answer about refs is kept, to be given again for as long as nothing that it was made from changes. */
import { hideRules } from '../repository/hidden-refs.ts';
import type { KeptAnswer } from '../repository/kept-answers.ts';
import type { Repository } from '../repository/repository.ts';
import type { Pause } from '../stretches.ts';

export class AnswerSlot {
  readonly #repository: Repository;
  readonly #key: string;
  readonly #packs: string;

  /** @param asked what decides the answer beside the repository */
  constructor(repository: Repository, asked: readonly unknown[]) {
    const { gitDirectory, commonDirectory, namespace, config } = repository;
    const where = [gitDirectory, commonDirectory, config.get('extensions.refstorage'), namespace];
    this.#repository = repository;
    this.#key = JSON.stringify([where, hideRules(config), asked]);
    this.#packs = packsOf(repository);
  }

  /** What is kept, where it still holds. */
  async find(pause: Pause): Promise<KeptAnswer | undefined> {
    const kept = this.#repository.answers.get(this.#key);
    return kept?.packs === this.#packs && (await kept.stamps.stillHold(pause)) ? kept : undefined;
  }

  /** Keeps an answer in the place of an older one, where every change of what it was made from would show. */
  keep(pieces: readonly Uint8Array[], refs: number): void {
    const { answers, refs: source, began, objects } = this.#repository;
    const { stamps } = source;
    const wasWhole = objects.view.problems.length === 0 && packsOf(this.#repository) === this.#packs;
    if (wasWhole && stamps.settled(began)) {
      answers.keep(this.#key, { pieces, refs, stamps, packs: this.#packs });
    }
  }
}

function packsOf({ objects }: Repository): string {
  return Array.from(objects.view.packs(), ({ pack }) => pack.name).join(' ');
}
