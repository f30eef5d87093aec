/** The bundles of a repository: those that are offered, and those that were until lately. */

/** A ref in a bundle: its name as clients see it, a byte string, and its id, hex. */
export type BundleRef = readonly [name: string, oid: string];

export interface Bundle {
  /** The start of the SHA-256 of its file, 40 hex digits: what has another content has another id. */
  readonly id: string;
  /** Clients take what has a greater one than what they took last. */
  readonly token: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly refs: readonly BundleRef[];
}

/** One that a client may still be downloading. */
export interface RetiredBundle extends Bundle {
  /** Milliseconds since 1970 after which it may be removed. */
  readonly until: number;
}

export interface BundleList {
  readonly gitDirectory: string;
  /** As by `identityOf`: which repository lay there when they were made. */
  readonly identity: string;
  /** One with all of the history, then those that go on from there, each from all before it. */
  readonly offered: readonly Bundle[];
  readonly retired: readonly RetiredBundle[];
}

/** Milliseconds that a bundle stays which is not offered any more: so long a download that broke off can be resumed. */
const GRACE = 6 * 3_600_000;
const VERSION = 1;

export function encodeList(list: BundleList): string {
  return JSON.stringify({ version: VERSION, ...list });
}

/** undefined where it is not what {@link encodeList} writes. */
export function decodeList(text: string): BundleList | undefined {
  try {
    const { version, ...list } = JSON.parse(text) as BundleList & { version: number };
    return version === VERSION ? list : undefined;
  } catch {
    return undefined;
  }
}

/** All whose files are kept. */
export function keptBundles(list: BundleList, now: number): readonly Bundle[] {
  return [...list.offered, ...list.retired.filter(({ until }) => until > now)];
}

/** What of an older list stays for a while when others are offered. */
export function retire(
  before: BundleList | undefined,
  offered: readonly Bundle[],
  now: number,
): RetiredBundle[] {
  if (!before) return [];
  const isGone = ({ id }: Bundle) => offered.every((bundle) => bundle.id !== id);
  const leaving = before.offered.map((bundle) => ({ ...bundle, until: now + GRACE }));
  return [...before.retired.filter(({ until }) => until > now), ...leaving].filter(isGone);
}
