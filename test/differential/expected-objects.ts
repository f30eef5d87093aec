/**
 * Which objects are expected in a pack of Packhorse, given what git sends. Where that is not the same, a rule says so;
 * each has its row, under its name, in docs/differences.md, with the reason.
 */
import type { Bounds } from './objects.ts';
import type { TestRepository } from './repositories.ts';
import type { Round } from './rounds.ts';

interface Situation extends Bounds {
  readonly repository: TestRepository;
  readonly round: Round;
  /** What git sends where each part of a combined filter stands for the whole. */
  readonly parts: readonly ReadonlySet<string>[];
  /** What git sends for the trees alone that wants name, and for all other wants. */
  readonly named: ReadonlySet<string>;
}

interface Expected {
  /** What the client lacks. */
  readonly needed: ReadonlySet<string>;
  /** That, and what it has already and wants. */
  readonly allowed: ReadonlySet<string>;
}

/** What becomes of the objects that the client lacks, given those that are sent. */
type ObjectRule = (
  needed: ReadonlySet<string>,
  sent: ReadonlySet<string>,
  situation: Situation,
) => Set<string>;

export const OBJECT_RULES: Readonly<Record<string, ObjectRule>> = {
  'named objects are kept': (needed, _, { repository, round, had, named }) => {
    if (round.filter === undefined) return new Set(needed);
    const kept = [...round.wants.flatMap((oid) => repository.graph.peel(oid)), ...named];
    return new Set([...needed, ...kept.filter((oid) => !had.has(oid))]);
  },

  'combinations keep what each part keeps': (needed, sent, { parts, had }) => {
    if (parts.length === 0) return new Set(needed);
    const kept = [...sent].filter((oid) => !had.has(oid) && parts.every((part) => part.has(oid)));
    return new Set([...needed, ...kept]);
  },

  'tags of hidden refs': (needed, _, { repository, round, reached }) => {
    if (!round.flags.has('include-tag')) return new Set(needed);
    const visible = new Set(tagsOf(repository.visible, repository).flatMap(({ chain }) => chain));
    const hidden = new Set(tagsOf(repository.hidden, repository).flatMap(({ chain }) => chain));
    return new Set([...needed].filter((oid) => !hidden.has(oid) || visible.has(oid) || reached.has(oid)));
  },

  'tags of what is sent': (needed, sent, { repository, round, had, reached }) => {
    if (!round.flags.has('include-tag')) return new Set(needed);
    const tags = tagsOf(repository.visible, repository);
    const all = new Set(tags.flatMap(({ chain }) => chain));
    const included = tags.filter(({ target }) => sent.has(target)).flatMap(({ chain }) => chain);
    const others = [...needed].filter((oid) => !all.has(oid) || reached.has(oid));
    return new Set([...others, ...included.filter((oid) => !had.has(oid))]);
  },
};

export function expectedObjects(
  gits: ReadonlySet<string>,
  sent: ReadonlySet<string>,
  situation: Situation,
): Expected {
  const { had } = situation;
  const lacked = new Set([...gits].filter((oid) => !had.has(oid)));
  const repeated = [...gits].filter((oid) => had.has(oid));
  const needed = Object.values(OBJECT_RULES).reduce((set, rule) => rule(set, sent, situation), lacked);
  return { needed, allowed: new Set([...needed, ...repeated, ...repeats(situation)]) };
}

/**
 * What may be sent though the client has it: what stands in a tree or is a blob that wants name, and what stands at
 * other paths where the client's history begins. Finding out that it has those would take a walk through all of that.
 */
function repeats({ repository, round, had, reached, cut, tips, seen }: Situation): Set<string> {
  const { graph } = repository;
  const isCommit = (oid: string) => graph.get(oid)?.type === 'commit';
  const parentsOf = (oid: string) => (cut.has(oid) ? [] : graph.get(oid)!.parents);
  const placesOf = (commits: readonly string[]) =>
    new Set(
      commits.flatMap((oid) => graph.get(oid)!.links.flatMap((tree) => [` ${tree}`, ...graph.places(tree)])),
    );
  const commits = [...reached].filter((oid) => isCommit(oid) && !seen.has(oid));
  const ends = cut.size > 0 ? tips.map((oid) => graph.peel(oid).at(-1)!) : [];
  const edges = [...commits.flatMap(parentsOf), ...ends].filter(isCommit);
  const known = placesOf(edges.filter((oid) => seen.has(oid)));
  const moved = [...placesOf(commits)].filter((place) => !known.has(place));
  const named = round.wants.map((oid) => graph.peel(oid).at(-1)!).filter((oid) => !isCommit(oid));
  const all = [...moved.map((place) => place.split(' ').at(-1)!), ...graph.closure(named)];
  return new Set(all.filter((oid) => had.has(oid)));
}

interface Tag {
  /** The tag, and tags on the way to its target. */
  readonly chain: readonly string[];
  readonly target: string;
}

/** The tag objects that `include-tag` may add. */
function tagsOf(refs: ReadonlyMap<string, string>, { graph }: TestRepository): Tag[] {
  return [...refs].flatMap(([name, oid]) => {
    if (!name.startsWith('refs/tags/') || graph.get(oid)?.type !== 'tag') return [];
    const path = graph.peel(oid);
    return [{ chain: path.slice(0, -1), target: path.at(-1)! }];
  });
}
