/** `transfer.hideRefs` and `uploadpack.hideRefs` (protocol section 4.2). */
import type { GitConfig } from './config.ts';

/** Whether a ref is hidden from clients, who see it under this name. */
export type IsHidden = (name: string) => boolean;

/** The rules as configured. */
export function hideRules(config: GitConfig): string[] {
  return config.allOf('transfer.hiderefs', 'uploadpack.hiderefs');
}

/** @param namespace what stands before the names that clients see, byte string */
export function hiddenRefs(config: GitConfig, namespace = ''): IsHidden {
  // The last rule that fits decides; `!` un-hides; `^` goes by the name with its namespace.
  const rules = hideRules(config)
    .map((text) => {
      const [, not, full, path] = /^(!?)(\^?)(.*?)\/*$/s.exec(text)!;
      return { hide: not === '', before: full === '' ? '' : namespace, path };
    })
    .reverse();
  return (name) => {
    const rule = rules.find(({ before, path }) => {
      const subject = before + name;
      return subject === path || subject.startsWith(`${path}/`);
    });
    return rule?.hide ?? false;
  };
}
