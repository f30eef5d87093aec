/** Looks at the refs: how many there are of each kind, and where a clone begins. */
import { textOf } from '../protocol/pkt-line.ts';
import { RefPrefixes } from '../repository/ref-prefixes.ts';
import type { RefVisitor } from '../repository/refs.ts';
import type { Repository } from '../repository/repository.ts';
import type { Pause } from '../stretches.ts';
import type { RefSummary } from './report.ts';

export interface SurveyedRefs {
  readonly summary: RefSummary;
  /** Ids, hex, of what all refs point at. */
  readonly tips: ReadonlySet<string>;
  /** Of what `git clone` wants: HEAD, branches and tags. */
  readonly wants: ReadonlySet<string>;
}

const BRANCHES = 'refs/heads/';
const TAGS = 'refs/tags/';

export async function surveyRefs(repository: Repository, pause: Pause): Promise<SurveyedRefs> {
  const { refs } = repository;
  const tips = new Set<string>();
  const wants = new Set<string>();
  const others = new Map<string, number>();
  const counts = { total: 0, branches: 0, tags: 0, hidden: 0 };
  const { view } = repository.objects;
  const add = (name: string, oid: string) => {
    // A ref whose object is missing is not listed.
    if (view.findHex(oid) < 0) return undefined;
    tips.add(oid);
    counts.total++;
    if (repository.isHidden(name)) counts.hidden++;
    else if (name.startsWith(BRANCHES)) counts.branches++;
    else if (name.startsWith(TAGS)) counts.tags++;
    else {
      const prefix = name.split('/', 2).join('/');
      others.set(prefix, (others.get(prefix) ?? 0) + 1);
      return undefined;
    }
    if (!repository.isHidden(name)) wants.add(oid);
    return undefined;
  };
  const visitor: RefVisitor = {
    loose: (ref) => add(ref.name, ref.oid),
    stored: (ref) => add(ref.name(), ref.oidHex()),
  };
  await refs.prepare(pause);
  await refs.visit(new RefPrefixes(), visitor, pause);
  const head = refs.resolve('HEAD')?.oid;
  if (head && !repository.isHidden('HEAD') && view.findHex(head) >= 0) wants.add(head);
  const largestFirst = [...others].sort(([, a], [, b]) => b - a);
  const summary = {
    ...counts,
    others: largestFirst.map(([prefix, refs]) => ({ prefix: textOf(prefix), refs })),
  };
  return { summary, tips, wants };
}
