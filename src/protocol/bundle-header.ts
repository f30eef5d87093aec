/** The head of a bundle (gitformat-bundle): what stands before its pack. */

export interface BundleHeader {
  readonly hash: 'sha1' | 'sha256';
  /** Ids, hex, of commits that whoever takes the bundle must have. */
  readonly prerequisites: readonly string[];
  /** Names, byte strings, and ids. */
  readonly refs: readonly (readonly [name: string, oid: string])[];
}

/** Version 2, which every git reads, where that can be said in it. */
export function encodeBundleHeader({ hash, prerequisites, refs }: BundleHeader): Uint8Array {
  const head = hash === 'sha1' ? ['# v2 git bundle'] : ['# v3 git bundle', `@object-format=${hash}`];
  const needed = prerequisites.map((oid) => `-${oid} `);
  const offered = refs.map(([name, oid]) => `${oid} ${name}`);
  return Buffer.from(`${[...head, ...needed, ...offered].join('\n')}\n\n`, 'latin1');
}
