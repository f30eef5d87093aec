/** git configuration files (the syntax of `git config`): sections, subsections, values, comments. */
import { repositoryUnsupported } from '../errors.ts';

/** One assignment. `value` is undefined for a key without `=`, which stands for true. */
export interface ConfigEntry {
  /** `section.key` or `section.subsection.key`; section and key lower-case, subsection as written. */
  readonly key: string;
  readonly value: string | undefined;
}

export class GitConfig {
  readonly #entries: readonly ConfigEntry[];

  constructor(entries: readonly ConfigEntry[]) {
    this.#entries = entries;
  }

  /** Every value of a key, in file order; a key without a value gives an empty string. */
  all(key: string): string[] {
    return this.#entries.filter((entry) => entry.key === key).map((entry) => entry.value ?? '');
  }

  /** The values of several keys, in file order. */
  allOf(...keys: string[]): string[] {
    return this.#entries.filter((entry) => keys.includes(entry.key)).map((entry) => entry.value ?? '');
  }

  /** The names of the keys of a section, each once. */
  names(section: string): string[] {
    const keys = this.#entries.map(({ key }) => key).filter((key) => key.startsWith(`${section}.`));
    return [...new Set(keys.map((key) => key.slice(section.length + 1)))];
  }

  /** The last value of a key. */
  get(key: string): string | undefined {
    return this.all(key).at(-1);
  }

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when the value is no boolean */
  boolean(key: string, fallback: boolean): boolean {
    const entry = this.#entries.findLast((candidate) => candidate.key === key);
    return entry ? parseBoolean(entry) : fallback;
  }

  /**
   * Every assignment of several keys, in file order.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when a value is no boolean
   */
  booleans(keys: readonly string[]): { key: string; value: boolean }[] {
    const entries = this.#entries.filter(({ key }) => keys.includes(key));
    return entries.map((entry) => ({ key: entry.key, value: parseBoolean(entry) }));
  }

  /** @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when the value is no whole number */
  integer(key: string, fallback: number): number {
    const value = this.get(key);
    if (value === undefined) return fallback;
    const number = parseInteger(value);
    if (number === undefined) throw repositoryUnsupported(`bad numeric config value '${value}' for '${key}'`);
    return number;
  }
}

function parseBoolean({ key, value }: ConfigEntry): boolean {
  if (value === undefined) return true;
  const word = value.toLowerCase();
  if (['true', 'yes', 'on'].includes(word)) return true;
  if (['false', 'no', 'off', ''].includes(word)) return false;
  const number = parseInteger(value);
  if (number !== undefined) return number !== 0;
  throw repositoryUnsupported(`bad boolean config value '${value}' for '${key}'`);
}

/** As C's `strtoimax` with base 0, then a unit: `0x` starts hexadecimal digits, `0` octal ones. */
function parseInteger(text: string): number | undefined {
  const match = /^[ \t]*([+-]?)(?:0x([0-9a-f]+)|(0[0-7]*)|([1-9]\d*))([kmg]?)$/i.exec(text);
  if (!match) return undefined;
  const [, sign, hex, octal, decimal, unit] = match;
  const digits = hex ?? octal ?? decimal;
  const number =
    Number.parseInt(digits, hex ? 16 : octal ? 8 : 10) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ');
  if (!Number.isSafeInteger(number)) return undefined;
  return sign === '-' && number !== 0 ? -number : number;
}

/**
 * @param text the file, UTF-8
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` with the number of the first bad line
 */
export function parseConfig(text: string, name = 'config'): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  let section = '';
  let at = 0;
  let line = 1;
  const fail = () => repositoryUnsupported(`bad config line ${line} in file ${name}`);
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (found) {
      at = pattern.lastIndex;
      line += found[0].split('\n').length - 1;
    }
    return found;
  };
  for (;;) {
    match(/(?:[ \t\r\n]|[#;][^\n]*)*/y);
    if (at >= source.length) return entries;
    const header = match(/\[([A-Za-z0-9.-]+)(?:[ \t\r]+"((?:[^"\\\n]|\\[^\n])*)")?\]/y);
    if (header) {
      const subsection = header[2]?.replace(/\\(.)/g, '$1');
      section = `${header[1].toLowerCase()}.${subsection === undefined ? '' : `${subsection}.`}`;
      continue;
    }
    const key = match(/([A-Za-z][A-Za-z0-9-]*)[ \t]*/y);
    if (!key) throw fail();
    const name = section + key[1].toLowerCase();
    if (!match(/=[ \t]*/y)) {
      if (at < source.length && source[at] !== '\n') throw fail();
      entries.push({ key: name, value: undefined });
      continue;
    }
    const raw = match(/(?:[^\n"\\#;]|\\(?:[\s\S]|$)|"(?:[^"\\\n]|\\[\s\S])*")*/y);
    if (!raw || (at < source.length && !match(/(?=[\n#;])/y))) throw fail();
    entries.push({ key: name, value: unquoteValue(raw[0], fail) });
  }
}

const BLANK = ' \t\r\n';

/** Quotes are taken off, escapes replaced, white space at the end dropped where it is not quoted. */
function unquoteValue(raw: string, fail: () => Error): string {
  const escapes: Readonly<Record<string, string>> = {
    n: '\n',
    t: '\t',
    b: '\b',
    '"': '"',
    '\\': '\\',
    '\n': '',
  };
  let value = '';
  let kept = 0;
  let quoted = false;
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i];
    if (c === '"') {
      quoted = !quoted;
      kept = value.length;
    } else if (c === '\\') {
      // A backslash at the end of the file stands before a line end that git makes up.
      const replaced = escapes[raw[++i] ?? '\n'];
      if (replaced === undefined) throw fail();
      value += replaced;
      kept = value.length;
    } else if (quoted || !BLANK.includes(c)) {
      value += c;
      kept = value.length;
    } else if (value !== '') value += c;
  }
  return value.slice(0, kept);
}
