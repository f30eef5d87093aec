/** Ids that are written in short: by their first digits. */
import type { ObjectView } from './object-view.ts';

/**
 * The ids of all objects of a view that start with some digits, each once.
 * @param prefix two lower-case hex digits at least
 */
export function idsStartingWith(view: ObjectView, prefix: string): string[] {
  const first = Number.parseInt(prefix.slice(0, 2), 16);
  const found = new Set<string>();
  for (const { pack } of view.packs()) {
    for (const oid of pack.index.idsStartingWith(first)) {
      const hex = oid.toString('hex');
      if (hex.startsWith(prefix)) found.add(hex);
    }
  }
  const directory = prefix.slice(0, 2);
  for (const names of view.looseNames(first)) {
    for (const name of names) if ((directory + name).startsWith(prefix)) found.add(directory + name);
  }
  return [...found];
}
