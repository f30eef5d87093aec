/** git's rules for the keys of its configuration: `section.name` or `section.subsection.name`. */

/** What is wrong with a key that does not come from a file, in git's words; undefined where nothing is. */
export function configKeyProblem(key: string): string | undefined {
  if (key === '') return 'empty config key';
  const last = key.lastIndexOf('.');
  if (last <= 0) return `key does not contain a section: ${key}`;
  if (last === key.length - 1) return `key does not contain variable name: ${key}`;
  const section = key.slice(0, key.indexOf('.'));
  if (!/^[A-Za-z0-9-]*$/.test(section) || !/^[A-Za-z][A-Za-z0-9-]*$/.test(key.slice(last + 1))) {
    return `invalid key: ${key}`;
  }
  return key.includes('\n') ? `invalid key (newline): ${key}` : undefined;
}

/** A key as it is compared: section and name in lower case. */
export function canonicalConfigKey(key: string): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  return key.slice(0, first).toLowerCase() + key.slice(first, last) + key.slice(last).toLowerCase();
}

/** `key=value`, or `key` alone, which stands for true. A subsection cannot hold a `=` here. */
export function splitAssignment(text: string): { key: string; value: string | undefined } {
  const end = text.indexOf('=');
  return end < 0 ? { key: text, value: undefined } : { key: text.slice(0, end), value: text.slice(end + 1) };
}
