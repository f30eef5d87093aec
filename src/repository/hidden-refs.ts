/** `transfer.hideRefs` and `uploadpack.hideRefs` (protocol section 4.2). */
import type { GitConfig } from './config.ts';

/** Whether a full ref name is hidden from clients. */
export type IsHidden = (name: string) => boolean;

/** The rules as configured. */
export function hideRules(config: GitConfig): string[] {
  return config.allOf('transfer.hiderefs', 'uploadpack.hiderefs');
}

export function hiddenRefs(config: GitConfig): IsHidden {
  // The last rule that fits decides; `!` un-hides; `^` matters only with namespaces.
  const rules = hideRules(config)
    .map((text) => ({
      hide: !text.startsWith('!'),
      path: text.replace(/^!?\^?/, '').replace(/\/+$/, ''),
    }))
    .reverse();
  return (name) => {
    const rule = rules.find(({ path }) => name === path || name.startsWith(`${path}/`));
    return rule?.hide ?? false;
  };
}
