/** Which names may be refs: the rules of `git check-ref-format`. Names are byte strings (latin1). */

/** A space, a control character or one of `~^:?*[\`. */
function isForbidden(code: number): boolean {
  return code <= 32 || code === 127 || '~^:?*[\\'.includes(String.fromCharCode(code));
}

/** Whether `name` is a well formed full ref name (`refs/...`). */
export function isRefName(name: string): boolean {
  if (!name.startsWith('refs/') || name.includes('..') || name.includes('@{') || name.endsWith('.'))
    return false;
  for (let i = 0; i < name.length; i++) if (isForbidden(name.charCodeAt(i))) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}
