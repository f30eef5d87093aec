/** Which commits get a bitmap of our own: enough of them that no walk is long, and not more. */

/** The youngest commits all get one: clients ask for those and have those. */
const RECENT = 100;
/** Then one out of so many, up to {@link YOUNG} commits; and beyond that one out of more. */
const STEP = 100;
const YOUNG = 20_000;
const OLD_STEP = 1_000;

/**
 * @param commits youngest first
 * @param isTip whether a ref points at the commit
 * @returns those to be given a bitmap, oldest first
 */
export function selectCommits(commits: readonly number[], isTip: (commit: number) => boolean): number[] {
  const selected: number[] = [];
  let since = 0;
  for (const [i, commit] of commits.entries()) {
    const step = i < RECENT ? 1 : i < YOUNG ? STEP : OLD_STEP;
    // A tip near the end of a step serves better than what happens to stand there.
    if (++since < step && !(isTip(commit) && since * 4 >= step)) continue;
    selected.push(commit);
    since = 0;
  }
  return selected.reverse();
}
