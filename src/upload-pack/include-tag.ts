/** The tags that go along with what they point at, for clients that ask for `include-tag` (protocol section 5.7). */
import { CommitSource } from '../pack/commit-source.ts';
import type { CountRequest } from '../pack/count.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { CommandContext } from './command.ts';
import { peel } from './list-refs.ts';

/** Tags that clients may see, with what each points at in the end. */
export async function findTags({ repository, pace }: CommandContext): Promise<CountRequest['includeTags']> {
  const { view } = repository.objects;
  const source = new CommitSource(repository.objects);
  const tags: { tag: number; target: number }[] = [];
  const addPeeled = (tag: number) => {
    const peeled = tag < 0 ? undefined : peel(tag, source);
    if (peeled && peeled.tags.length > 0) tags.push({ tag, target: peeled.target });
    return undefined;
  };
  const visitor: RefVisitor = {
    loose: (ref) => (repository.isHidden(ref.name) ? undefined : addPeeled(view.findHex(ref.oid))),
    stored(ref) {
      if (ref.peeled < 0 && ref.peeledKnown) return undefined;
      if (repository.hidesRefs && repository.isHidden(ref.name())) return undefined;
      const tag = view.find(ref.oid);
      if (ref.peeled < 0) return addPeeled(tag);
      const target = view.find(ref.peeledOid());
      if (tag >= 0 && target >= 0) tags.push({ tag, target });
      return undefined;
    },
  };
  await repository.refs.visit(new RefPrefixes(['refs/tags/']), visitor, pace.pauseIfDue);
  return tags;
}
