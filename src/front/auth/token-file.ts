/**
 * A file of static tokens. Each line is a name and the hash of a token:
 *
 *     ci sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * Empty lines and those that begin with `#` are comments. Tokens are random and long, so one round of SHA-256 is enough.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface NamedToken {
  readonly name: string;
  /** SHA-256 of the token. */
  readonly digest: Buffer;
}

const LINE = /^([\w.@-]{1,64})\s+sha256:([0-9a-f]{64})$/;

/** @throws Error naming the line that is none; it repeats nothing of it */
export function parseTokens(text: string): readonly NamedToken[] {
  const tokens = new Map<string, NamedToken>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const [, name, digest] = LINE.exec(trimmed) ?? [];
    if (name === undefined)
      throw new Error(`line ${index + 1} is not a name and a hash, such as ci sha256:…`);
    if (tokens.has(name)) throw new Error(`line ${index + 1} has the name of a line before it`);
    tokens.set(name, { name, digest: Buffer.from(digest, 'hex') });
  }
  return [...tokens.values()];
}

export function isTokenName(name: string): boolean {
  return /^[\w.@-]{1,64}$/.test(name);
}

/** A new token, and the line that stands for it. */
export function newToken(name: string): { readonly token: string; readonly line: string } {
  const token = `ph_${randomBytes(32).toString('base64url')}`;
  return { token, line: `${name} sha256:${hash('sha256', token, 'hex')}` };
}

/** The name of a token; undefined where it is none. All are compared, each in constant time. */
export function nameOf(token: string, tokens: readonly NamedToken[]): string | undefined {
  const digest = hash('sha256', token, 'buffer');
  let found: string | undefined;
  for (const { name, digest: known } of tokens) {
    if (timingSafeEqual(digest, known)) found = name;
  }
  return found;
}
