/** The story that `demo.git` tells: commits in the order they are made, each with the files it changes. */

export interface DemoCommit {
  readonly name: string;
  /** Names of earlier commits: it starts from all their files, on which they never disagree. */
  readonly parents: readonly string[];
  readonly message: string;
  /** Paths with their new content. */
  readonly files: Readonly<Record<string, string>>;
}

export interface DemoTag {
  readonly name: string;
  readonly commit: string;
  /** Of an annotated tag; undefined for a lightweight one. */
  readonly message: string | undefined;
}

const LOAD = `/** Puts goods on a horse until it has its load. Weights are in kilograms. */
export function load(goods: readonly number[], limit = 80): number[] {
  const taken: number[] = [];
  let sum = 0;
  for (const weight of goods) {
    if (sum + weight > limit) continue;
    taken.push(weight);
    sum += weight;
  }
  return taken;
}
`;

const README = `# The pack station

Goods come in, horses go out, and everything arrives across the pass.
`;

export const COMMITS: readonly DemoCommit[] = [
  {
    name: 'station',
    parents: [],
    message: 'Open the pack station',
    files: {
      'README.md': README,
      LICENSE: 'This demo is in the public domain: do with it what you like.\n',
    },
  },
  {
    name: 'first-horse',
    parents: ['station'],
    message: 'Load the first horse\n\nIt carries 80 kg and no more, whatever the traders say.',
    files: { 'src/load.ts': LOAD },
  },
  {
    name: 'second-horse',
    parents: ['first-horse'],
    message: 'Share the goods between two horses',
    files: {
      'src/caravan.ts': `import { load } from './load.ts';

/** One load after another until all is taken. */
export function caravan(goods: readonly number[], limit = 80): number[][] {
  const loads: number[][] = [];
  for (let left = [...goods]; left.length > 0; ) {
    const taken = load(left, limit);
    if (taken.length === 0) throw new Error('a piece is too heavy for any horse');
    for (const weight of taken) left.splice(left.indexOf(weight), 1);
    loads.push(taken);
  }
  return loads;
}
`,
    },
  },
  {
    name: 'route',
    parents: ['first-horse'],
    message: 'Draw the route across the pass',
    files: {
      'docs/route.md': `# Route

1. The station by the river
2. The beech wood
3. The pass, 2,114 m: rest, water, look around
4. The market on the other side
`,
      'src/route.ts': "export const ROUTE = ['station', 'beech wood', 'pass', 'market'] as const;\n",
    },
  },
  {
    name: 'merge',
    parents: ['route', 'second-horse'],
    message: "Merge branch 'second-horse'",
    files: {},
  },
  {
    name: 'release',
    parents: ['merge'],
    message: 'Call it 1.0',
    files: { 'CHANGELOG.md': '# 1.0\n\n- Two horses.\n- A route that both of them know.\n' },
  },
  {
    name: 'winter',
    parents: ['release'],
    message: 'Carry oats when it snows',
    files: { 'docs/winter.md': '# Winter\n\nFrom the first snow on, every fifth kilogram is oats.\n' },
  },
  {
    name: 'girth',
    parents: ['release'],
    message: 'Fix loads that slip: heavy goods go first',
    files: {
      'src/load.ts': LOAD.replace(
        'for (const weight of goods) {',
        'for (const weight of goods.toSorted((a, b) => b - a)) {',
      ),
    },
  },
  {
    name: 'welcome',
    parents: ['release'],
    message: 'Greet those who clone this',
    files: {
      'README.md': `${README}
You have just fetched this from Packhorse. \`git log --graph --all\` shows the way it went.
`,
    },
  },
];

/** Branches with the commits they point at. */
export const BRANCHES: Readonly<Record<string, string>> = {
  main: 'welcome',
  'fix/slipping-loads': 'girth',
  'second-horse': 'second-horse',
  winter: 'winter',
};

export const TAGS: readonly DemoTag[] = [
  { name: 'first-ride', commit: 'first-horse', message: undefined },
  {
    name: 'v1.0',
    commit: 'release',
    message: 'Version 1.0\n\nTwo horses went across the pass and came back.',
  },
];
