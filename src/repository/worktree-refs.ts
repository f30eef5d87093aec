/** Which refs each worktree has for itself (protocol section 6.14). */

/** What lies below `refs/` and is each worktree's own. */
export const OF_WORKTREE: readonly string[] = ['refs/bisect/', 'refs/rewritten/', 'refs/worktree/'];

/** @param name a full name or `HEAD` */
export function isOfWorktree(name: string): boolean {
  return name === 'HEAD' || OF_WORKTREE.some((directory) => name.startsWith(directory));
}
