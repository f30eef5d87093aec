/** Shell-style patterns as git matches them (its `wildmatch.c`). Patterns and texts are byte strings (latin1). */
import { fold, matchSet } from './wildmatch-set.ts';

export interface WildmatchOptions {
  /** `*`, `?` and `[...]` match no slash; `**` between slashes matches directories, any number of them. */
  readonly pathname?: boolean;
  /** ASCII letters match whatever their case. */
  readonly caseless?: boolean;
}

/** Bytes. The time and the stack that wildcards take grow with both, and either may come from anyone who can push. */
const LONGEST_PATTERN = 1024;
const LONGEST_TEXT = 4096;

/** Whether {@link wildmatch} is not to be asked. */
export function isTooLong(pattern: string, text: string): boolean {
  return pattern.length > LONGEST_PATTERN || text.length > LONGEST_TEXT;
}

/** Whether all of `text` matches `pattern`; neither may be too long ({@link isTooLong}). */
export function wildmatch(pattern: string, text: string, options: WildmatchOptions = {}): boolean {
  return new Matcher(pattern, text, options).match(0, 0) === MATCH;
}

const MATCH = 1;
const NO_MATCH = 0;
/** The text came to its end: no star before can change that. */
const ABORT = -1;
/** Only a star that matches slashes can change that. */
const ABORT_TO_STARSTAR = -2;

const SLASH = 47;
const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const BACKSLASH = 92;

class Matcher {
  readonly #pattern: string;
  readonly #text: string;
  readonly #pathname: boolean;
  readonly #caseless: boolean;
  /**
   * What came of stars, by place in pattern and text. git tries each anew, which takes time exponential in the number of
   * stars between slashes.
   */
  readonly #known = new Map<number, number>();

  constructor(pattern: string, text: string, { pathname = false, caseless = false }: WildmatchOptions) {
    this.#pattern = pattern;
    this.#text = text;
    this.#pathname = pathname;
    this.#caseless = caseless;
  }

  /** Matches the pattern from `p` on against the text from `t` on. */
  match(p: number, t: number): number {
    const pattern = this.#pattern;
    const text = this.#text;
    for (; p < pattern.length; p++, t++) {
      const special = pattern.charCodeAt(p);
      if (special === STAR) return this.#matchStars(p, t);
      if (t === text.length) return ABORT;
      const char = this.#char(text, t);
      if (special === QUESTION) {
        if (this.#pathname && char === SLASH) return NO_MATCH;
      } else if (special === OPEN) {
        const end = matchSet(pattern, p, char, this.#caseless);
        if (end === 0) return ABORT;
        if (end < 0 || (this.#pathname && char === SLASH)) return NO_MATCH;
        p = end;
      } else if (special === BACKSLASH) {
        if (pattern.charCodeAt(++p) !== char) return NO_MATCH;
      } else if (this.#char(pattern, p) !== char) return NO_MATCH;
    }
    return t === text.length ? MATCH : NO_MATCH;
  }

  #matchStars(p: number, t: number): number {
    const key = p * (this.#text.length + 1) + t;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#tryStars(p, t);
    this.#known.set(key, found);
    return found;
  }

  #tryStars(first: number, t: number): number {
    const pattern = this.#pattern;
    const text = this.#text;
    let p = first;
    while (pattern.charCodeAt(p) === STAR) p++;
    const directories = this.#pathname && p - first > 1 && this.#fillsDirectory(first, p);
    const crosses = !this.#pathname || directories;
    const beforeSlash = pattern.charCodeAt(p) === SLASH;
    if (p === pattern.length) return crosses || !text.includes('/', t) ? MATCH : ABORT_TO_STARSTAR;
    if (directories && beforeSlash && this.match(p + 1, t) === MATCH) return MATCH;
    if (!crosses && beforeSlash) {
      const slash = text.indexOf('/', t);
      return slash < 0 ? ABORT : this.match(p + 1, slash + 1);
    }
    for (let at = t; at < text.length; at++) {
      if (!'*?[\\'.includes(pattern[p])) {
        at = this.#seek(this.#char(pattern, p), at, crosses);
        if (at < 0) return crosses ? ABORT : ABORT_TO_STARSTAR;
      }
      const found = this.match(p, at);
      if (found !== NO_MATCH) {
        if (!crosses || found !== ABORT_TO_STARSTAR) return found;
      } else if (!crosses && text.charCodeAt(at) === SLASH) return ABORT_TO_STARSTAR;
    }
    return ABORT;
  }

  /** Whether the stars from `first` up to `end` stand alone between slashes. */
  #fillsDirectory(first: number, end: number): boolean {
    const pattern = this.#pattern;
    if (first > 0 && pattern.charCodeAt(first - 1) !== SLASH) return false;
    return end === pattern.length || pattern.startsWith('/', end) || pattern.startsWith('\\/', end);
  }

  /** Where a character stands in the text, from `at` on; -1 where it does not, or behind a slash if that ends it. */
  #seek(char: number, at: number, crosses: boolean): number {
    for (; at < this.#text.length; at++) {
      if (this.#char(this.#text, at) === char) return at;
      if (!crosses && this.#text.charCodeAt(at) === SLASH) return -1;
    }
    return -1;
  }

  #char(of: string, at: number): number {
    return this.#caseless ? fold(of.charCodeAt(at)) : of.charCodeAt(at);
  }
}
