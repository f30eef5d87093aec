/** Tokens for tests, and how git is told of them. */
import fs from 'node:fs';
import path from 'node:path';
import { newToken } from '../../src/front/auth/token-file.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { type GitResult, runGit } from '../support/git.ts';
import type { RunningService } from '../support/service.ts';

/** A token file with a token of each name. */
export function makeTokenFile(names: readonly string[]): { file: string; tokens: Record<string, string> } {
  const file = path.join(temporaryDirectory(), 'tokens');
  const made = names.map((name) => ({ name, ...newToken(name) }));
  fs.writeFileSync(file, made.map(({ line }) => `${line}\n`).join(''));
  return { file, tokens: Object.fromEntries(made.map(({ name, token }) => [name, token])) };
}

export function bearer(token: string): { Authorization: string } {
  return { Authorization: `Bearer ${token}` };
}

export function basic(user: string, password: string): { Authorization: string } {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** git's arguments for a header of every request. */
export function withHeader(headers: { Authorization: string }): string[] {
  return ['-c', `http.extraHeader=Authorization: ${headers.Authorization}`];
}

/** git's arguments for a credential helper that knows one password. */
export function withHelper(password: string): string[] {
  return ['-c', `credential.helper=!f() { echo username=git; echo password=${password}; }; f`];
}

/** Clones into a directory that was not there; what git said of it. */
export async function tryClone(
  service: RunningService,
  name: string,
  settings: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<GitResult & { readonly target: string }> {
  const parent = temporaryDirectory();
  const target = path.join(parent, 'clone');
  const args = [...settings, 'clone', '--quiet', '--mirror', `${service.url}/${name}`, target];
  return { ...(await runGit(parent, args, environment)), target };
}

/** Waits until everything so far is logged, then returns the log as one text. */
export async function wholeLog(service: RunningService): Promise<string> {
  await service.stop();
  return service.log.map((line) => JSON.stringify(line)).join('\n');
}
