/** The repository that clients fetch from, and what happens to it and to its clones. */
import { git } from '../support/git.ts';
import { createRepository, History, noise } from '../support/history.ts';

/**
 * Makes `source.git` below a directory: merges, tags, deltas, a blob of several frames, and so many branches that a
 * request for all is sent deflated.
 */
export function createSource(root: string): void {
  const source = createRepository(root, 'source.git');
  const history = new History();
  const line = [history.commit({ branch: 'main', files: { large: noise(200_000, 1), lines: lines(0) } })];
  for (let n = 1; n < 40; n++) {
    const merge = n % 8 === 0 ? [topic(history, n, line[n - 3])] : [];
    const files = { lines: lines(n), [`directory/${n % 5}`]: lines(n + 100) };
    line.push(history.commit({ branch: 'main', from: line[n - 1], merge, files }));
  }
  for (let n = 0; n < 30; n++) history.ref(`refs/heads/release/${n}`, line[n]);
  history.tag('v1', line[10]);
  history.tag('v2', line[35]);
  history.ref('refs/tags/light', line[20]);
  history.importInto(source);
  git(source, ['repack', '-adfq']);
  git(source, ['config', 'uploadpack.allowFilter', 'true']);
  // A partial clone asks for single objects, which versions 0 and 1 refuse without this.
  git(source, ['config', 'uploadpack.allowAnySHA1InWant', 'true']);
}

function topic(history: History, n: number, from: string): string {
  return history.commit({ branch: `topic/${n}`, from, files: { [`topics/${n}`]: `${n}\n` } });
}

function lines(n: number): string {
  return Array.from({ length: 100 }, (_, i) => `${i} ${i < n ? n : ''}\n`).join('');
}

/** Commits on old branches and a new one, a merge and a tag. */
export function pushToSource(source: string): void {
  const history = new History(1000);
  const side = history.commit({ branch: 'new', from: 'refs/heads/main~2', files: { new: 'new\n' } });
  history.commit({ branch: 'main', from: 'refs/heads/main^0', files: { lines: lines(50) } });
  const files = { new: 'new\n', 'directory/deeper/lines': lines(51) };
  const last = history.commit({ branch: 'main', merge: [side], files });
  history.commit({ branch: 'release/29', from: 'refs/heads/release/29^0', files: { fix: 'fix\n' } });
  history.tag('v3', last);
  history.importInto(source, true);
}

/** More commits than a client names in its first request, none of which the server has. */
export function commitToClone(directory: string): void {
  const history = new History(2000);
  for (let n = 0; n < 100; n++) {
    const from = n === 0 ? 'refs/remotes/origin/main^0' : '';
    history.commit({ branch: 'own', from, files: { own: `${n}\n` } });
  }
  history.importInto(directory, true);
}
