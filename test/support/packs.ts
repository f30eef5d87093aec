/** How objects are stored: what packs hold, and packs made by hand. */
import fs from 'node:fs';
import path from 'node:path';
import { git } from './git.ts';
import { packsOf } from './history.ts';

export interface StoredEntry {
  readonly oid: string;
  readonly type: string;
  readonly offset: number;
  /** Bytes that the entry takes in the pack. */
  readonly length: number;
  /** Deltas between the object and the one that is stored whole. */
  readonly depth: number;
  /** Of a delta. */
  readonly base: string | undefined;
}

/** The entries of a pack as `git verify-pack -v` tells them. */
export function entriesOf(repository: string, pack: string): StoredEntry[] {
  const text = git(repository, ['verify-pack', '-v', path.join('objects/pack', `${pack}.idx`)], {
    cwd: repository,
  });
  return text
    .split('\n')
    .map((line) => line.split(/\s+/))
    .filter(([oid]) => /^[0-9a-f]{40,64}$/.test(oid))
    .map(([oid, type, , length, offset, depth, base]) => ({
      oid,
      type,
      length: Number(length),
      offset: Number(offset),
      depth: Number(depth ?? 0),
      base,
    }));
}

/** The entries of all packs. */
export function storedEntries(repository: string): StoredEntry[] {
  return packsOf(repository).flatMap((pack) => entriesOf(repository, pack));
}

/** Stores one more pack of just these objects. */
export function addPack(repository: string, oids: readonly string[], flags: readonly string[] = []): string {
  const input = oids.map((oid) => `${oid}\n`).join('');
  const stem = path.join(repository, 'objects/pack/pack');
  return `pack-${git(repository, ['pack-objects', '--quiet', ...flags, stem], { input })}`;
}

export function packFile(repository: string, pack: string, extension = 'pack'): string {
  return path.join(repository, 'objects/pack', `${pack}.${extension}`);
}

/** Takes packs away, with all that belongs to them. */
export function removePacks(repository: string, packs: readonly string[]): void {
  for (const file of fs.readdirSync(path.join(repository, 'objects/pack'))) {
    const name = file.slice(0, file.lastIndexOf('.'));
    if (packs.includes(name)) fs.rmSync(path.join(repository, 'objects/pack', file), { force: true });
  }
}

/** Overwrites bytes of a file, even of one that is read-only. */
export function overwrite(file: string, at: number, bytes: Uint8Array): void {
  fs.chmodSync(file, 0o644);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.closeSync(fd);
}

/** Inverts one byte of a file. */
export function damage(file: string, at: number): void {
  const fd = fs.openSync(file, 'r');
  const byte = Buffer.alloc(1);
  fs.readSync(fd, byte, 0, 1, at);
  fs.closeSync(fd);
  byte[0] ^= 0xff;
  overwrite(file, at, byte);
}
