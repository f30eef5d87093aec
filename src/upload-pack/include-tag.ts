/** The tags that go along with what they point at, for clients that ask for `include-tag` (protocol section 5.7). */
import crypto from 'node:crypto';
import { CommitSource } from '../pack/commit-source.ts';
import type { CountRequest } from '../pack/count.ts';
import type { KeptAnswer } from '../repository/kept-answers.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import { addObjects } from './add-objects.ts';
import { AnswerSlot } from './answer-slot.ts';
import type { CommandContext } from './command.ts';
import { peel } from './list-refs.ts';

export interface VisibleTags {
  /** Tags that clients may see, each with what it points at in the end. */
  readonly pairs: CountRequest['includeTags'];
  /** SHA-256 of their ids. */
  readonly digest: Uint8Array;
}

/** Looked up once for as long as no ref and no pack changes: on a hit of the cache that would be most of the work. */
export async function findTags(context: CommandContext): Promise<VisibleTags> {
  const { repository, pace } = context;
  const slot = new AnswerSlot(repository, ['include-tag']);
  const kept = await slot.find(pace.pauseIfDue);
  if (kept) return fromAnswer(kept);
  const visited = await visitTags(context);
  const pairs = Uint32Array.from(visited.pairs);
  const hash = crypto.createHash('sha256');
  const tags = pairs.filter((_, k) => k % 2 === 0);
  addObjects(hash, repository.objects.view, tags);
  const digest = hash.digest();
  if (visited.isPacked) slot.keep([new Uint8Array(pairs.buffer), digest], tags.length);
  return { pairs, digest };
}

function fromAnswer({ pieces: [bytes, digest] }: KeptAnswer): VisibleTags {
  return { pairs: new Uint32Array(bytes.buffer), digest };
}

interface Visited {
  readonly pairs: number[];
  /** Whether all of it lies in packs: other objects have numbers of this request alone, or may come without a trace. */
  isPacked: boolean;
}

async function visitTags({ repository, pace }: CommandContext): Promise<Visited> {
  const { view } = repository.objects;
  const source = new CommitSource(repository.objects);
  const visited: Visited = { pairs: [], isPacked: true };
  const add = (tag: number, target: number) => {
    if (tag >= 0 && target >= 0) visited.pairs.push(tag, target);
    visited.isPacked &&= [tag, target].every((number) => number >= 0 && !view.isLoose(number));
  };
  const addPeeled = (tag: number) => {
    const peeled = tag < 0 ? undefined : peel(tag, source);
    if (!peeled) visited.isPacked = false;
    else if (peeled.tags.length > 0) add(tag, peeled.target);
    if (peeled?.tags.some((each) => view.isLoose(each))) visited.isPacked = false;
    return undefined;
  };
  const visitor: RefVisitor = {
    loose: (ref) => (repository.isHidden(ref.name) ? undefined : addPeeled(view.findHex(ref.oid))),
    stored(ref) {
      if (ref.peeled < 0 && ref.peeledKnown) return undefined;
      if (repository.hidesRefs && repository.isHidden(ref.name())) return undefined;
      const tag = view.find(ref.oid);
      if (ref.peeled < 0) return addPeeled(tag);
      add(tag, view.find(ref.peeledOid()));
      return undefined;
    },
  };
  await repository.refs.visit(new RefPrefixes(['refs/tags/']), visitor, pace.pauseIfDue);
  return visited;
}
