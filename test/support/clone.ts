/** Clones made by the real git, and how they are compared with their source. */
import path from 'node:path';
import { expect } from 'vitest';
import { temporaryDirectory } from './directory.ts';
import { fsck, git, reachableObjects, runGit } from './git.ts';
import type { RunningService } from './service.ts';

/** Clones into a fresh directory; throws with what git said when that fails. */
export async function clone(
  service: RunningService,
  repository: string,
  flags: readonly string[] = ['--mirror'],
): Promise<string> {
  const parent = temporaryDirectory();
  const target = path.join(parent, 'clone');
  const result = await runGit(parent, ['clone', ...flags, `${service.url}/${repository}`, target]);
  if (result.code !== 0) throw new Error(`git clone failed: ${result.stderr}`);
  return target;
}

/** Runs git in a clone; throws with what git said when that fails. */
export async function gitIn(directory: string, args: readonly string[]): Promise<string> {
  const result = await runGit(directory, args);
  if (result.code !== 0) throw new Error(`git ${args[0]} failed: ${result.stderr}`);
  return result.stdout;
}

/** Every ref with what it points at, sorted by name; byte strings where names are no UTF-8. */
export function refsOf(directory: string): string[] {
  const text = git(directory, ['for-each-ref', '--format=%(objectname) %(refname)'], { encoding: 'latin1' });
  return text === '' ? [] : text.split('\n');
}

/** Every object that is stored, reachable or not. */
export function storedObjects(directory: string): string[] {
  const text = git(directory, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']);
  return text === '' ? [] : text.split('\n');
}

/** HEAD as it stands: the branch's full name, or an id. */
export function headOf(directory: string): string {
  return git(directory, ['rev-parse', '--symbolic-full-name', '--verify', '--quiet', 'HEAD']);
}

/** A mirror that was fetched into, maybe more than once: it must reach the same, and may store more. */
export function expectSameHistory(source: string, mirror: string): void {
  fsck(mirror);
  expect(refsOf(mirror)).toEqual(refsOf(source));
  expect(reachableObjects(mirror)).toEqual(reachableObjects(source));
}

/** A fresh mirror clone: the same refs, the same HEAD, and not one object more or less than what is reachable. */
export function expectSameRepository(source: string, mirror: string): void {
  expectSameHistory(source, mirror);
  expect(headOf(mirror)).toBe(headOf(source));
  expect(storedObjects(mirror)).toEqual(reachableObjects(source));
}

/** A fresh clone with remote-tracking branches: the same branches and tags, and all that they reach. */
export function expectSameBranches(source: string, directory: string): void {
  const tracked = refsOf(directory)
    .filter((line) => / refs\/(?:remotes\/origin\/(?!HEAD$)|tags\/)/.test(line))
    .map((line) => line.replace('refs/remotes/origin/', 'refs/heads/'));
  fsck(directory);
  expect(tracked.sort()).toEqual(
    refsOf(source)
      .filter((line) => / refs\/(?:heads|tags)\//.test(line))
      .sort(),
  );
  expect(storedObjects(directory)).toEqual(reachableObjects(source));
}
