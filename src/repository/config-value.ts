/** What git makes of a value that should be a boolean or a number. */

const TRUE = ['true', 'yes', 'on'];
const FALSE = ['false', 'no', 'off', ''];
const MAX_INT = 2n ** 31n - 1n;
const MAX_UNSIGNED_LONG = 2n ** 64n - 1n;
/** More than any number of 64 bits has, in any base. */
const MOST_DIGITS = 64;

/** Why a value is no number, in git's words. */
type Problem = 'invalid unit' | 'out of range';

/** Only what words say; undefined for anything else, a number too. */
export function parseBooleanWord(value: string): boolean | undefined {
  const word = value.toLowerCase();
  if (TRUE.includes(word)) return true;
  return FALSE.includes(word) ? false : undefined;
}

export function parseBoolean(value: string): boolean | undefined {
  const word = parseBooleanWord(value);
  if (word !== undefined) return word;
  const number = parseInteger(value);
  return typeof number === 'number' ? number !== 0 : undefined;
}

/** A C `int`. */
export function parseInteger(value: string): number | Problem {
  const number = parseNumber(value);
  if (typeof number === 'string') return number;
  return number > MAX_INT || number < -MAX_INT - 1n ? 'out of range' : Number(number);
}

/** A C `unsigned long` of 64 bits; above 2^53 the nearest number. */
export function parseSize(value: string): number | Problem {
  if (value.includes('-')) return 'invalid unit';
  const number = parseNumber(value);
  if (typeof number === 'string') return number;
  return number > MAX_UNSIGNED_LONG ? 'out of range' : Number(number);
}

/** As C's `strtoimax` with base 0, then a unit: `0x` starts hexadecimal digits, `0` octal ones. */
function parseNumber(text: string): bigint | Problem {
  const match = /^[ \t\n\v\f\r]*([+-]?)(?:0x([0-9a-f]+)|0([0-7]*)|([1-9]\d*))([kmg]?)$/i.exec(text);
  if (!match) return 'invalid unit';
  const [, sign, hex, octal, decimal, unit] = match;
  const digits = (hex ?? octal ?? decimal).replace(/^0+/, '');
  // Millions of digits would take a while to become a number.
  if (digits.length > MOST_DIGITS) return 'out of range';
  const base = hex ? '0x' : octal ? '0o' : '';
  const number =
    BigInt(digits === '' ? 0 : base + digits) * 1024n ** BigInt(' kmg'.indexOf(unit.toLowerCase() || ' '));
  return sign === '-' ? -number : number;
}
