/** Objects as people name them: by id, by the start of an id, by ref, and by `<tree>:<path>`. */
import { CommitSource } from '../pack/commit-source.ts';
import { idsStartingWith } from '../repository/abbreviated-ids.ts';
import { BLOB, COMMIT, TREE } from '../repository/object-format.ts';
import { forEachTreeEntry } from '../repository/parse-object.ts';
import type { Repository } from '../repository/repository.ts';

/** Digits that an id may be shortened to. */
const LEAST_DIGITS = 4;

/**
 * The object that git would find under a name where a blob is asked for. Hidden refs count, as in git; an index, the
 * reflog, and ways through the history (`~`, `^`) are not known.
 * @param name a byte string
 * @returns its id, hex, which need not be there; undefined where the name stands for nothing, or for several objects
 */
export function findObject(repository: Repository, name: string): string | undefined {
  const { objects } = repository;
  const oid = findOid(repository, name, (number) => objects.header(number).type === BLOB);
  const colon = name.indexOf(':');
  if (oid !== undefined || colon < 0) return oid;
  const holder = findOid(
    repository,
    name.slice(0, colon),
    (number) => findTree(repository, number) !== undefined,
  );
  const number = holder === undefined ? -1 : objects.view.findHex(holder);
  const tree = number < 0 ? undefined : findTree(repository, number);
  return tree === undefined ? undefined : findInTree(repository, tree, name.slice(colon + 1));
}

/** @param isMeant decides between objects whose ids start alike */
function findOid(
  repository: Repository,
  name: string,
  isMeant: (number: number) => boolean,
): string | undefined {
  const { objects, refs, format } = repository;
  const isHex = /^[\da-f]+$/i.test(name);
  if (isHex && name.length === format.hexLength) return name.toLowerCase();
  const [ref] = refs.expand(name);
  if (ref) return ref.oid;
  if (!isHex || name.length < LEAST_DIGITS || name.length > format.hexLength) return undefined;
  const ids = idsStartingWith(objects.view, name.toLowerCase());
  const meant = ids.length > 1 ? ids.filter((oid) => isMeant(objects.view.findHex(oid))) : ids;
  return meant.length === 1 ? meant[0] : undefined;
}

/** The tree that a tree, a commit, or a tag of one of them stands for. */
function findTree({ objects }: Repository, number: number): number | undefined {
  const source = new CommitSource(objects);
  const { target } = source.peel(number);
  const type = source.type(target);
  if (type === TREE) return target;
  const tree = type === COMMIT ? source.read(target).tree : -1;
  return tree < 0 ? undefined : tree;
}

function findInTree({ objects }: Repository, root: number, path: string): string | undefined {
  const { view } = objects;
  let oid = view.hex(root);
  for (const part of path === '' ? [] : path.split('/')) {
    const tree = view.findHex(oid);
    if (tree < 0 || objects.header(tree).type !== TREE) return undefined;
    const { data } = objects.read(tree);
    let found: string | undefined;
    forEachTreeEntry(data, view.format.bytes, (_kind, name, id) => {
      if (data.toString('latin1', name, id - 1) === part)
        found = data.toString('hex', id, id + view.format.bytes);
    });
    if (found === undefined) return undefined;
    oid = found;
  }
  return oid;
}
