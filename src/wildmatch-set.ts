/** The `[...]` of git's patterns: characters, ranges, named classes. */

/** Of an ASCII upper-case letter the lower-case one. */
export function fold(char: number): number {
  return char >= 65 && char <= 90 ? char + 32 : char;
}

function unfold(char: number): number {
  return char >= 97 && char <= 122 ? char - 32 : char;
}

const UPPER = /[A-Z]/;
/** As in git's own `ctype.c`: no locale, nothing beyond ASCII, and form feed and vertical tab are no space. */
const CLASSES = new Map<string, RegExp>(
  Object.entries({
    alnum: /[0-9A-Za-z]/,
    alpha: /[A-Za-z]/,
    blank: /[ \t]/,
    cntrl: /(?=\p{ASCII})\p{Cc}/u,
    digit: /[0-9]/,
    graph: /[!-~]/,
    lower: /[a-z]/,
    print: /[ -~]/,
    punct: /[!-/:-@[-`{-~]/,
    space: /[ \t\n\r]/,
    upper: UPPER,
    xdigit: /[0-9A-Fa-f]/,
  }),
);

/**
 * Whether a character is in the set that begins with the `[` at `open`.
 * @param char its code, lower-case where case does not count; then ranges and `[:upper:]` take the upper-case one too
 * @returns the place of the `]`, negative when the character is not in the set; 0 when this is no set
 */
export function matchSet(pattern: string, open: number, char: number, caseless: boolean): number {
  const letter = String.fromCharCode(char);
  const upper = caseless ? unfold(char) : char;
  const capital = String.fromCharCode(upper);
  const negated = pattern[open + 1] === '!' || pattern[open + 1] === '^';
  let matched = false;
  /** Where a range may begin: the character before, unless that is a range or a class. */
  let from = -1;
  // A `]` that comes first is a character of the set.
  for (let p = open + (negated ? 2 : 1), first = p; p < pattern.length; p++) {
    if (pattern[p] === ']' && p > first) return matched === negated ? -p : p;
    if (pattern[p] === '-' && from >= 0 && p + 1 < pattern.length && pattern[p + 1] !== ']') {
      if (pattern[++p] === '\\') p++;
      const to = pattern.charCodeAt(p);
      if ((from <= char && char <= to) || (from <= upper && upper <= to)) matched = true;
      from = -1;
      continue;
    }
    const end = pattern.startsWith('[:', p) ? pattern.indexOf(']', p + 2) : p;
    if (end < 0) return 0;
    if (end > p + 2 && pattern[end - 1] === ':') {
      const holds = CLASSES.get(pattern.slice(p + 2, end - 1));
      if (!holds) return 0;
      if (holds.test(letter) || (holds === UPPER && holds.test(capital))) matched = true;
      from = -1;
      p = end;
      continue;
    }
    if (pattern[p] === '\\') p++;
    from = pattern.charCodeAt(p);
    if (from === char) matched = true;
  }
  return 0;
}
