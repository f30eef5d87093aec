/** Configuration given with a command, not in a file: variables of the environment, and assignments such as `git -c` takes. */
import { canonicalConfigKey, configKeyProblem, splitAssignment } from '../config-key.ts';
import { type PackhorseError, repositoryUnsupported } from '../errors.ts';
import type { ConfigEntry } from './config.ts';
import { byteString, type Environment } from './config-files.ts';

const MAX_COUNT = 2 ** 31 - 1;

/**
 * @param text `key=value`, or `key` alone, as UTF-8
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED` when the key is none
 */
export function parseAssignment(text: string): ConfigEntry {
  const { key, value } = splitAssignment(byteString(text));
  return entryOf(key, value);
}

/**
 * What `GIT_CONFIG_COUNT` and `GIT_CONFIG_PARAMETERS` say; the latter is how `git -c` reaches the programs git starts.
 * @throws PackhorseError `PACKHORSE_REPOSITORY_UNSUPPORTED`
 */
export function commandEntries(environment: Environment): ConfigEntry[] {
  return [...countedEntries(environment), ...quotedEntries(environment.GIT_CONFIG_PARAMETERS ?? '')];
}

function countedEntries(environment: Environment): ConfigEntry[] {
  const text = environment.GIT_CONFIG_COUNT ?? '';
  if (!/^(?:[ \t\n\v\f\r]*\+?\d+)?$/.test(text)) throw bad('bogus count in GIT_CONFIG_COUNT');
  const count = Number(text);
  if (count > MAX_COUNT) throw bad('too many entries in GIT_CONFIG_COUNT');
  const entries: ConfigEntry[] = [];
  for (let i = 0; i < count; i++) {
    const [key, value] = [environment[`GIT_CONFIG_KEY_${i}`], environment[`GIT_CONFIG_VALUE_${i}`]];
    if (key === undefined) throw bad(`missing config key GIT_CONFIG_KEY_${i}`);
    if (value === undefined) throw bad(`missing config value GIT_CONFIG_VALUE_${i}`);
    entries.push(entryOf(byteString(key), byteString(value)));
  }
  return entries;
}

/** Words in single quotes: `'key=value'` of old, or `'key'='value'`, and `'key'=` for true. */
const QUOTED = `('[^']*'(?:\\\\['!]'[^']*')*)`;
const PARAMETER = new RegExp(`${QUOTED}(?:(=)${QUOTED}?)?(?:[ \\t\\n\\r]+|$)`, 'y');

function quotedEntries(text: string): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (PARAMETER.lastIndex = 0; PARAMETER.lastIndex < text.length; ) {
    const match = PARAMETER.exec(text);
    if (!match) throw bad('bogus format in GIT_CONFIG_PARAMETERS');
    const [, word, split, value] = match;
    if (split) entries.push(entryOf(unquote(word), value === undefined ? undefined : unquote(value)));
    else entries.push(parseOldParameter(unquote(word)));
  }
  return entries;
}

function parseOldParameter(text: string): ConfigEntry {
  const { key, value } = splitAssignment(text);
  if (key === '') throw bad(`bogus config parameter: ${text}`);
  return entryOf(key, value);
}

/** Between quoted parts stands a quote or an exclamation mark behind a backslash. */
function unquote(word: string): string {
  return byteString(word.replace(/'([^']*)'(?:\\(['!]))?/g, '$1$2'));
}

function entryOf(key: string, value: string | undefined): ConfigEntry {
  const problem = configKeyProblem(key);
  if (problem) throw bad(problem);
  return { key: canonicalConfigKey(key), value };
}

function bad(what: string): PackhorseError {
  return repositoryUnsupported(`unable to parse command-line config: ${what}`);
}
