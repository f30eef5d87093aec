/** For whom a place is taken: what limits and fairness go by. */
import type { Tally } from './tally.ts';

export interface Party {
  /** Path of the repository below the root. */
  readonly repository: string;
  /** Who the client is; undefined where that is not known: behind a forge all clients have one address. */
  readonly client: string | undefined;
}

/** The names under which a party is counted. */
export function keysOf({ repository, client }: Party): readonly string[] {
  return client === undefined
    ? [`repository ${repository}`]
    : [`repository ${repository}`, `client ${client}`];
}

export function addParty(tally: Tally, party: Party): void {
  for (const key of keysOf(party)) tally.add(key);
}

export function removeParty(tally: Tally, party: Party): void {
  for (const key of keysOf(party)) tally.remove(key);
}
