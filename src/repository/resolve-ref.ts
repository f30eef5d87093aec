/** How names of refs are followed and completed, wherever the refs are stored (protocol section 6.12). */
import { isRefName } from '../ref-name.ts';
import type { Ref } from './refs.ts';

const MAX_HOPS = 5;

/** What stands under one name, before symbolic refs are followed; undefined: no ref, or a broken one. */
export type RefValue = Pick<Ref, 'peeled'> & { readonly oid: string };
export type ReadRef = (name: string) => RefValue | { readonly target: string } | undefined;

/** Resolves a full name or `HEAD`; undefined when there is no such ref, or a broken one. */
export function resolveRef(name: string, read: ReadRef): Ref | undefined {
  let current = name;
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const value = current === 'HEAD' || isRefName(current) ? read(current) : undefined;
    const target = current === name ? undefined : current;
    if (!value) return target ? { name, oid: undefined, target, peeled: undefined } : undefined;
    if ('oid' in value) return { name, oid: value.oid, target, peeled: value.peeled };
    current = value.target;
  }
  return undefined;
}

/** The refs that a short name may stand for, by git's rules, in their order. */
export function expandRef(short: string, resolve: (name: string) => Ref | undefined): Ref[] {
  const names = ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/'].map((prefix) => prefix + short);
  return [...names, `refs/remotes/${short}/HEAD`]
    .filter((name) => name === 'HEAD' || isRefName(name))
    .map((name) => resolve(name))
    .filter((ref): ref is Ref => ref?.oid !== undefined);
}
