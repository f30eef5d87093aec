/** Refs in reftables (protocol section 6.13). Names are byte strings (latin1). */
import path from 'node:path';
import { inOneGo, inStretches, type Pause, type Stretches } from '../stretches.ts';
import type { GitDirectories } from './git-directory.ts';
import type { IndexFiles } from './index-files.ts';
import type { ObjectFormat } from './object-format.ts';
import type { RefPrefixes } from './ref-prefixes.ts';
import type { Ref, Refs, RefVisitor } from './refs.ts';
import type { Reftable } from './reftable.ts';
import { ReftableCursor } from './reftable-cursor.ts';
import { ReftableMerge } from './reftable-merge.ts';
import { DELETION, SYMBOLIC } from './reftable-records.ts';
import { openTables } from './reftable-stack.ts';
import { expandRef, type RefValue, resolveRef } from './resolve-ref.ts';
import { Stamps } from './stamps.ts';
import { isOfWorktree } from './worktree-refs.ts';

const ROOT = 'refs/';

/** Refs between two pauses, a power of two. */
const PACE = 32;

interface Tables {
  readonly common: readonly Reftable[];
  readonly own: readonly Reftable[];
}

/** The refs of a repository or a linked worktree as one request sees them: as they are when first asked for. */
export class ReftableRefs implements Refs {
  readonly stamps = new Stamps();
  readonly #directories: GitDirectories;
  readonly #format: ObjectFormat;
  readonly #files: IndexFiles;
  #opened: Tables | undefined;

  constructor(directories: GitDirectories, format: ObjectFormat, files: IndexFiles) {
    this.#directories = directories;
    this.#format = format;
    this.#files = files;
  }

  async prepare(pause: Pause): Promise<void> {
    this.#opened ??= await inStretches(this.#open(), pause);
  }

  resolve(name: string): Ref | undefined {
    return resolveRef(name, (current) => this.#read(current));
  }

  expand(short: string): Ref[] {
    return expandRef(short, (name) => this.resolve(name));
  }

  async visit(prefixes: RefPrefixes, visitor: RefVisitor, pause: Pause = () => undefined): Promise<void> {
    await this.prepare(pause);
    const { common, own } = this.#tables;
    const merge = new ReftableMerge(own === common ? common : [...own, ...common]);
    for (const prefix of prefixes.sorted) {
      if (!ROOT.startsWith(prefix) && !prefix.startsWith(ROOT)) continue;
      const rest = pause();
      if (rest) await rest;
      const start = Buffer.from(prefix.length < ROOT.length ? ROOT : prefix, 'latin1');
      merge.seek(start);
      for (let i = 1; merge.current?.startsWith(start); i++) {
        const wait = this.#show(merge.current, visitor);
        if (wait) await wait;
        const rest = i % PACE === 0 ? pause() : undefined;
        if (rest) await rest;
        merge.next();
      }
    }
  }

  #show(ref: ReftableCursor, visitor: RefVisitor): ReturnType<RefVisitor['stored']> {
    if (ref.type === DELETION || !ref.named) return undefined;
    const { common, own } = this.#tables;
    if (own !== common && !this.#tablesOf(ref.name()).includes(ref.table)) return undefined;
    if (ref.type !== SYMBOLIC) return ref.isZero ? undefined : visitor.stored(ref);
    const resolved = this.resolve(ref.name());
    return resolved?.oid ? visitor.loose({ ...resolved, oid: resolved.oid }) : undefined;
  }

  #read(name: string): RefValue | { target: string } | undefined {
    const key = Buffer.from(name, 'latin1');
    for (const table of this.#tablesOf(name)) {
      const ref = new ReftableCursor(table);
      ref.seek(key);
      if (ref.done || !ref.isNamed(key)) continue;
      if (ref.type === DELETION) return undefined;
      if (ref.type === SYMBOLIC) return { target: ref.target() };
      return ref.isZero ? undefined : { oid: ref.oidHex(), peeled: ref.peeledHex() };
    }
    return undefined;
  }

  #tablesOf(name: string): readonly Reftable[] {
    const { common, own } = this.#tables;
    return isOfWorktree(name) ? own : common;
  }

  get #tables(): Tables {
    this.#opened ??= inOneGo(this.#open());
    return this.#opened;
  }

  *#open(): Stretches<Tables> {
    const { gitDirectory, commonDirectory } = this.#directories;
    const open = (directory: string) =>
      openTables(path.join(directory, 'reftable'), this.#format, this.#files, this.stamps);
    const common = yield* open(commonDirectory);
    return { common, own: gitDirectory === commonDirectory ? common : yield* open(gitDirectory) };
  }
}
