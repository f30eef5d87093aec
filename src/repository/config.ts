/**
 * git configuration: its entries and what their values mean, and the syntax of files (sections, subsections, values,
 * comments). Keys and values are byte strings (latin1), as paths and names of refs need not be UTF-8.
 */
import { repositoryUnsupported } from '../errors.ts';
import { parseBoolean, parseBooleanWord, parseInteger, parseSize } from './config-value.ts';

/** One assignment. */
export interface ConfigEntry {
  /** `section.key` or `section.subsection.key`; section and key lower-case, subsection as written. */
  readonly key: string;
  /** Undefined for a key without `=`, which stands for true. */
  readonly value: string | undefined;
  /** The name of the file it stands in, without directories; undefined for what stands in none. */
  readonly file?: string;
}

/** Entries in the order in which they count: of several values of a key the last one does. */
export class GitConfig {
  readonly entries: readonly ConfigEntry[];

  constructor(entries: readonly ConfigEntry[]) {
    this.entries = entries;
  }

  /**
   * Every value of a key, in order.
   * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED`, as all that follow, when there is a key without a value
   */
  all(key: string): string[] {
    return this.allOf(key);
  }

  /** The values of several keys, in order. */
  allOf(...keys: string[]): string[] {
    return this.entries.filter((entry) => keys.includes(entry.key)).map(stringOf);
  }

  /** The last of the assignments to any of several keys. */
  lastOf(...keys: string[]): ConfigEntry | undefined {
    return this.entries.findLast((entry) => keys.includes(entry.key));
  }

  /** The names of the keys of a section, each once. */
  names(section: string): string[] {
    const keys = this.entries.map(({ key }) => key).filter((key) => key.startsWith(`${section}.`));
    return [...new Set(keys.map((key) => key.slice(section.length + 1)))];
  }

  /** Every assignment to a key of a section, in order. */
  section(name: string): ConfigEntry[] {
    return this.entries.filter(({ key }) => key.startsWith(`${name}.`));
  }

  /** The last value of a key. */
  get(key: string): string | undefined {
    const entry = this.lastOf(key);
    return entry && stringOf(entry);
  }

  boolean(key: string, fallback: boolean): boolean {
    const entry = this.lastOf(key);
    return entry ? booleanOf(entry) : fallback;
  }

  /** Every assignment of several keys, in order. */
  booleans(keys: readonly string[]): { key: string; value: boolean }[] {
    const entries = this.entries.filter(({ key }) => keys.includes(key));
    return entries.map((entry) => ({ key: entry.key, value: booleanOf(entry) }));
  }

  /**
   * A boolean, or one of some words; numbers are neither.
   * @param key in any case: this is how messages spell it
   */
  booleanOr<Word extends string>(key: string, words: readonly Word[], fallback: boolean): boolean | Word {
    const entry = this.lastOf(key.toLowerCase());
    if (!entry) return fallback;
    const text = entry.value ?? 'true';
    const value = parseBooleanWord(text) ?? words.find((word) => word === text.toLowerCase());
    if (value !== undefined) return value;
    throw repositoryUnsupported(`invalid ${key} value: '${text}'`);
  }

  /** A whole number of 32 bits; `k`, `m` and `g` may follow it. */
  integer(key: string, fallback: number): number {
    return this.#number(key, parseInteger) ?? fallback;
  }

  /** A number of bytes, or of anything else that cannot be negative. */
  size(key: string, fallback: number): number {
    return this.#number(key, parseSize) ?? fallback;
  }

  #number(key: string, parse: (value: string) => number | string): number | undefined {
    const entry = this.lastOf(key);
    if (!entry) return undefined;
    const { value = '', file } = entry;
    const number = parse(value);
    if (typeof number === 'number') return number;
    const place = file === undefined ? '' : ` in file ${file}`;
    throw repositoryUnsupported(`bad numeric config value '${value}' for '${key}'${place}: ${number}`);
  }
}

function booleanOf({ key, value }: ConfigEntry): boolean {
  const on = value === undefined || parseBoolean(value);
  if (on === undefined) throw repositoryUnsupported(`bad boolean config value '${value}' for '${key}'`);
  return on;
}

function stringOf({ key, value }: ConfigEntry): string {
  if (value === undefined) throw repositoryUnsupported(`missing value for '${key}'`);
  return value;
}

/**
 * @param text the file, a byte string
 * @param file what to call it in messages
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` with the number of the first bad line
 */
export function parseConfig(text: string, file = 'config'): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const source = text.replace(/^\xef\xbb\xbf/, '').replaceAll('\r\n', '\n');
  let section = '';
  let at = 0;
  let line = 1;
  const fail = () => repositoryUnsupported(`bad config line ${line} in file ${file}`);
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
      entries.push({ key: name, value: undefined, file });
      continue;
    }
    const raw = match(/(?:[^\n"\\#;]|\\(?:[\s\S]|$)|"(?:[^"\\\n]|\\[\s\S])*")*/y);
    if (!raw || (at < source.length && !match(/(?=[\n#;])/y))) throw fail();
    entries.push({ key: name, value: unquoteValue(raw[0], fail), file });
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
