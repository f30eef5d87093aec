/** Ref namespaces (`GIT_NAMESPACE`): a part of a repository's refs that is served as if it were all. */
import { repositoryUnsupported } from '../errors.ts';
import { isRefName } from '../ref-name.ts';
import type { Pause } from '../stretches.ts';
import { RefPrefixes } from './ref-prefixes.ts';
import type { Ref, Refs, RefVisitor } from './refs.ts';
import { expandRef } from './resolve-ref.ts';
import type { StoredRef } from './stored-ref.ts';

const ROOT = 'refs/';

/**
 * What stands before the names of a namespace's refs, byte string: `a/b` is `refs/namespaces/a/refs/namespaces/b/`.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when it can be no part of a ref's name
 */
export function namespacePrefix(namespace = ''): string {
  if (namespace === '') return '';
  const parts = Buffer.from(namespace).toString('latin1').split('/');
  const path = parts.filter((part) => part !== '').map((part) => `refs/namespaces/${part}`);
  const prefix = path.join('/');
  if (!isRefName(prefix)) throw repositoryUnsupported(`bad git namespace path "${namespace}"`);
  return `${prefix}/`;
}

/** The refs of one namespace, `HEAD` included, under the names that its clients see. */
export class NamespacedRefs implements Refs {
  readonly #refs: Refs;
  readonly #prefix: string;

  /** @param prefix as {@link namespacePrefix} gives it, not empty */
  constructor(refs: Refs, prefix: string) {
    this.#refs = refs;
    this.#prefix = prefix;
  }

  get stamps(): Refs['stamps'] {
    return this.#refs.stamps;
  }

  prepare(pause: Pause): Promise<void> {
    return this.#refs.prepare(pause);
  }

  resolve(name: string): Ref | undefined {
    if (name !== 'HEAD' && !isRefName(name)) return undefined;
    const ref = this.#refs.resolve(this.#prefix + name);
    return ref && this.#strip(ref);
  }

  expand(short: string): Ref[] {
    return expandRef(short, (name) => this.resolve(name));
  }

  async visit(prefixes: RefPrefixes, visitor: RefVisitor, pause?: Pause): Promise<void> {
    // The namespace's own HEAD lies there too, and is no ref of it.
    const inside = prefixes.sorted.filter((prefix) => prefix.startsWith(ROOT) || ROOT.startsWith(prefix));
    if (inside.length === 0) return;
    const full = inside.map((prefix) => this.#prefix + (prefix.startsWith(ROOT) ? prefix : ROOT));
    const stripped: RefVisitor = {
      loose: (ref) => visitor.loose({ ...this.#strip(ref), oid: ref.oid }),
      stored: (ref) => visitor.loose(this.#refOf(ref)),
    };
    await this.#refs.visit(new RefPrefixes(full), stripped, pause);
  }

  #refOf(ref: StoredRef): Ref & { readonly oid: string } {
    const name = ref.name().slice(this.#prefix.length);
    return { name, oid: ref.oidHex(), target: undefined, peeled: ref.peeledHex() };
  }

  /** What a symbolic ref points at outside of the namespace has no name here. */
  #strip(ref: Ref): Ref {
    const [name, target] = [ref.name, ref.target].map((full) =>
      full?.startsWith(this.#prefix) ? full.slice(this.#prefix.length) : undefined,
    );
    return { ...ref, name: name!, target };
  }
}
