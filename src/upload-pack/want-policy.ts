/** Which objects clients of protocol v0 and v1 may want beside what is advertised (protocol sections 2.3 and 4.1). */
import type { GitConfig } from '../repository/config.ts';

export interface WantPolicy {
  /** Tips of hidden refs. */
  readonly tips: boolean;
  /** What tips reach. */
  readonly reachable: boolean;
  /** Whatever is there. */
  readonly any: boolean;
}

const TIPS = 1;
const REACHABLE = 2;
const ANY = 7;

const KEYS: Readonly<Record<string, number>> = {
  'uploadpack.allowtipsha1inwant': TIPS,
  'uploadpack.allowreachablesha1inwant': REACHABLE,
  'uploadpack.allowanysha1inwant': ANY,
};

/** One key sets or clears bits that another one may clear or set again: their order in the files counts. */
export function readWantPolicy(config: GitConfig): WantPolicy {
  let bits = 0;
  for (const { key, value } of config.booleans(Object.keys(KEYS))) {
    bits = value ? bits | KEYS[key] : bits & ~KEYS[key];
  }
  return { tips: (bits & TIPS) !== 0, reachable: (bits & REACHABLE) !== 0, any: bits === ANY };
}
