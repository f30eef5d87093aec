import { GitConfig, parseConfig } from '../../../src/repository/config.ts';
import { commandEntries, parseAssignment } from '../../../src/repository/config-command.ts';
import { hiddenRefs } from '../../../src/repository/hidden-refs.ts';
import { readFormat } from '../../../src/repository/repository-format.ts';
import { readCorpus } from '../storage.ts';
import { orRefused, type Target } from '../target.ts';

export const config: Target = {
  name: 'config',
  reads: 'configuration: files, and what a command brings',
  seeds: () => readCorpus('config'),
  tokens: [
    '[core]\n',
    '[include]\n\tpath = x\n',
    '[extensions]\n\tobjectFormat = sha256\n',
    '[transfer]\n\thideRefs = !^refs/x\n',
    '[uploadpack "a\\"b"]\n',
    '"',
    '\\',
    '\\\n',
    '\r\n',
    '#',
    ';',
    '=',
    '0x7fffffffk',
    '010g',
    "'a.b'='c' ",
    "'\\''",
    '\xef\xbb\xbf',
  ],
  run(input) {
    const text = input.toString('latin1');
    const entries = orRefused(() => parseConfig(text));
    if (entries) readAll(new GitConfig(entries));
    orRefused(() => parseAssignment(text));
    orRefused(() => commandEntries({ GIT_CONFIG_PARAMETERS: text, GIT_CONFIG_COUNT: text.slice(0, 20) }));
  },
};

/** Takes every value for everything that it could be. */
function readAll(given: GitConfig): void {
  for (const { key } of given.entries) {
    orRefused(() => given.all(key));
    orRefused(() => given.boolean(key, false));
    orRefused(() => given.integer(key, 0));
    orRefused(() => given.size(key, 0));
    orRefused(() => given.booleanOr(key, ['advertise'], false));
  }
  orRefused(() => hiddenRefs(given, '')('refs/heads/main'));
  orRefused(() => readFormat(given));
}
