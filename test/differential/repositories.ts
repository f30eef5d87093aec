/** Small repositories made up by fast-check, with all that a server may come across. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { arbitraryStep, importHistory, type Step } from '../support/generated-history.ts';
import { git } from '../support/git.ts';
import { createRepository, unpackAll } from '../support/history.ts';
import { ObjectGraph } from './object-graph.ts';

/** An object of a repository, whichever repository it is: the `n`th of its type, counted around. */
export interface ObjectChoice {
  readonly type: 'commit' | 'tag' | 'tree' | 'blob';
  readonly n: number;
}

export interface RepositoryPlan {
  readonly steps: readonly Step[];
  /** Whether all clocks are right. */
  readonly onTime: boolean;
  /** Whether each commit keeps its branch. What no ref reaches any more is stored all the same. */
  readonly kept: readonly boolean[];
  readonly refs: readonly { readonly space: string; readonly target: ObjectChoice }[];
  readonly head: 'main' | 'symbolic' | 'detached' | 'unborn';
  /** Branches with an empty tree, a gitlink, odd modes, and patterns for sparse checkouts. */
  readonly extras: boolean;
  /** `key=value`, as on git's command line. */
  readonly config: readonly string[];
  readonly storage: keyof typeof STORAGES;
  readonly packedRefs: boolean;
  /** Commits that the server itself has without their parents. */
  readonly shallow: readonly ObjectChoice[];
}

export interface TestRepository {
  readonly directory: string;
  readonly config: readonly string[];
  readonly graph: ObjectGraph;
  /** What refs and HEAD point at, by name: those that clients may see, and the others. */
  readonly visible: ReadonlyMap<string, string>;
  readonly hidden: ReadonlyMap<string, string>;
  /** What visible refs point at that leads to a commit; for each those visible refs that do not reach it. */
  readonly branches: ReadonlyMap<string, readonly string[]>;
  readonly shallow: ReadonlySet<string>;
  /** Whether every commit is as young as its parents, or younger. */
  readonly onTime: boolean;
}

/** Of the files `sparse/p<i>` on the branch `extras`. */
export const PATTERNS = [
  '/*\n!/d/\n',
  'd/\n',
  'a\n',
  '/d/e/*\n!/d/e/a\n',
  '# none\n\n!b\n',
  '**/x[0-4]\n/moved\n',
  '',
];

/** Ways to store it; nothing goes that is stored. */
const STORAGES = {
  packed: () => {},
  loose: unpackAll,
  bitmapped: (directory: string) => void git(directory, ['repack', '-qadkb']),
  graphed: (directory: string) => void git(directory, ['commit-graph', 'write', '--reachable']),
  indexed: (directory: string) => void git(directory, ['multi-pack-index', 'write', '--bitmap']),
} as const;

const FILTERS = 'uploadpack.allowFilter=true';
const HIDDEN = 'transfer.hideRefs=refs/hidden';

const arbitraryConfig = fc
  .tuple(
    fc.constantFrom(
      [],
      ...[1, 2, 3, 4, 5].map(() => [FILTERS]),
      [FILTERS, 'uploadpackfilter.allow=false', 'uploadpackfilter.blob:none.allow=true'],
      [FILTERS, 'uploadpackfilter.tree.maxDepth=1', 'uploadpackfilter.combine.allow=false'],
    ),
    fc.constantFrom(
      ...[1, 2, 3].map(() => []),
      ['uploadpack.allowTipSHA1InWant=true'],
      ['uploadpack.allowReachableSHA1InWant=true'],
      ['uploadpack.allowAnySHA1InWant=true'],
      ['uploadpack.allowAnySHA1InWant=true', 'uploadpack.allowTipSHA1InWant=false'],
    ),
    fc.constantFrom(...['advertise', 'allow', 'ignore'].map((mode) => [`lsrefs.unborn=${mode}`]), []),
    fc.constantFrom(
      [HIDDEN],
      ['uploadpack.hideRefs=refs/hidden', 'uploadpack.hideRefs=!refs/hidden/1'],
      [HIDDEN, 'transfer.hideRefs=refs/tags', 'transfer.hideRefs=refs/pull'],
      [HIDDEN, 'transfer.hideRefs=HEAD'],
    ),
  )
  .map((parts) => parts.flat());

const SPACES = ['refs/heads/', 'refs/heads/dir/', 'refs/hidden/', 'refs/tags/light', 'refs/pull/', 'refs/'];

const arbitraryChoice = (...types: ObjectChoice['type'][]) =>
  fc.record({ type: fc.constantFrom(...types), n: fc.nat(99) });

/** Some have no commit at all. */
export const arbitraryRepository: fc.Arbitrary<RepositoryPlan> = fc.record({
  steps: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 12, arbitrary: fc.array(arbitraryStep, { minLength: 1, maxLength: 14 }) },
  ),
  onTime: fc.boolean(),
  kept: fc.array(fc.boolean(), { minLength: 14, maxLength: 14 }),
  refs: fc.array(
    fc.record({
      space: fc.constantFrom(...SPACES),
      target: arbitraryChoice('commit', 'commit', 'tag', 'tree', 'blob'),
    }),
    { maxLength: 6 },
  ),
  head: fc.constantFrom('main', 'main', 'symbolic', 'detached', 'unborn'),
  extras: fc.boolean(),
  config: arbitraryConfig,
  storage: fc.constantFrom(...(Object.keys(STORAGES) as (keyof typeof STORAGES)[])),
  packedRefs: fc.boolean(),
  shallow: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(arbitraryChoice('commit'), { minLength: 1, maxLength: 2 }) },
  ),
});

export function buildRepository(root: string, name: string, plan: RepositoryPlan): TestRepository {
  const directory = createRepository(root, name);
  if (plan.steps.length > 0) fill(directory, plan);
  if (plan.head === 'unborn') writeHead(directory, 'ref: refs/heads/unborn');
  configure(directory, plan.config);
  const repository = readRepository(directory, plan.config);
  const commits = repository.graph.ofType('commit');
  const shallow = new Set(plan.shallow.flatMap((choice) => find(commits, choice) ?? []));
  const lines = [...shallow].map((oid) => `${oid}\n`);
  if (shallow.size > 0) fs.writeFileSync(path.join(directory, 'shallow'), lines.join(''));
  return { ...repository, shallow };
}

/** A repository that is whole, with what is in its configuration. */
export function readRepository(directory: string, config: readonly string[]): TestRepository {
  const isEmpty =
    !fs.existsSync(path.join(directory, 'packed-refs')) &&
    fs.readdirSync(path.join(directory, 'refs/heads')).length === 0;
  const [visible, hidden] = isEmpty ? [new Map(), new Map()] : refsOf(directory, config);
  const graph = ObjectGraph.read(directory);
  const branches = branchesOf(graph, visible);
  const onTime = graph.ofType('commit').every((oid) => {
    const { date, parents } = graph.get(oid)!;
    return parents.every((parent) => graph.get(parent)!.date <= date);
  });
  return { directory, config, graph, visible, hidden, branches, shallow: new Set(), onTime };
}

function branchesOf(graph: ObjectGraph, visible: Refs): Map<string, string[]> {
  const reached = Array.from(visible, ([name, oid]) => ({ name, all: graph.closure([oid]) }));
  const branches = new Map<string, string[]>();
  for (const oid of visible.values()) {
    const commit = graph.peel(oid).at(-1)!;
    if (graph.get(commit)?.type !== 'commit') continue;
    branches.set(
      oid,
      reached.filter(({ all }) => !all.has(commit)).map(({ name }) => name),
    );
  }
  return branches;
}

function find(oids: readonly string[], { n }: ObjectChoice): string | undefined {
  return oids[n % oids.length];
}

function fill(directory: string, plan: RepositoryPlan): void {
  const { steps, onTime, kept, refs, head, extras, packedRefs, storage } = plan;
  const { commits, tags, trees, blobs } = importHistory(
    directory,
    onTime ? steps.map((step) => ({ ...step, skew: 0 })) : steps,
  );
  if (extras) git(directory, ['fast-import', '--quiet', '--force'], { input: encodeExtras() });
  const objects = { commit: commits, tag: tags, tree: trees, blob: blobs };
  const updates = [
    `create refs/heads/main ${commits.at(-1)}`,
    ...commits.flatMap((_, i) => (kept[i] ? [] : [`delete refs/heads/c${i}`])),
    ...refs.flatMap(({ space, target }, i) => {
      const oid = find(objects[target.type], target);
      // Branches are commits.
      if (!oid || (space.startsWith('refs/heads/') && target.type !== 'commit')) return [];
      return [`create ${space}${i} ${oid}`];
    }),
  ];
  git(directory, ['update-ref', '--stdin'], { input: `${updates.join('\n')}\n` });
  fs.writeFileSync(path.join(directory, 'refs/heads/symbolic'), 'ref: refs/heads/main\n');
  if (head === 'symbolic') writeHead(directory, 'ref: refs/heads/symbolic');
  if (head === 'detached') writeHead(directory, commits[0]);
  if (packedRefs) git(directory, ['pack-refs', '--all']);
  STORAGES[storage](directory);
}

function writeHead(directory: string, content: string): void {
  fs.writeFileSync(path.join(directory, 'HEAD'), `${content}\n`);
}

/** Much faster than asking git to. */
export function configure(directory: string, config: readonly string[]): void {
  fs.appendFileSync(path.join(directory, 'config'), config.map(encodeConfig).join(''));
}

function encodeConfig(line: string): string {
  const [, section, subsection, key, value] = /^(\w+)\.(?:(.*)\.)?(\w+)=(.*)$/.exec(line)!;
  return `[${section}${subsection ? ` "${subsection}"` : ''}]\n\t${key} = ${value}\n`;
}

function encodeExtras(): string {
  const commit = (ref: string, ...changes: readonly string[]) =>
    `commit ${ref}\ncommitter C <c@example.com> 1700000050 +0000\ndata 2\ne\n${changes.join('\n')}\n`;
  const file = (mode: string, name: string, text: string) =>
    `M ${mode} inline ${name}\ndata ${text.length}\n${text}`;
  return [
    commit('refs/heads/extras', file('100644', 'sparse/p0', 'other\n')),
    commit(
      'refs/heads/extras',
      ...PATTERNS.map((text, i) => file('100644', `sparse/p${i}`, text)),
      file('100755', 'd/program', 'run\n'),
      file('120000', 'd/e/link', '../a'),
      file('100644', 'd/e/f/g/h/i', 'deep\n'),
      `M 160000 ${'5'.repeat(40)} d/module`,
    ),
    commit('refs/heads/empty'),
  ].join('');
}

type Refs = ReadonlyMap<string, string>;

function refsOf(directory: string, config: readonly string[]): [visible: Refs, hidden: Refs] {
  const text = git(directory, ['show-ref', '--head']);
  const refs = text.split('\n').map((line) => line.split(' ').reverse() as [string, string]);
  return [
    new Map(refs.filter(([name]) => !isHidden(name, config))),
    new Map(refs.filter(([name]) => isHidden(name, config))),
  ];
}

/** The last rule that fits decides. */
function isHidden(name: string, config: readonly string[]): boolean {
  const rules = config.flatMap((line) => /\.hideRefs=(.*)$/.exec(line)?.[1] ?? []);
  const rule = rules.findLast((rule) => `${name}/`.startsWith(`${rule.replace('!', '')}/`));
  return rule !== undefined && !rule.startsWith('!');
}
