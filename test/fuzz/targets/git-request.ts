import { parseGitRequest, pathBelowRoot } from '../../../src/protocol/git-request.ts';
import { peekCommand } from '../../../src/protocol/v2-request.ts';
import { readCorpus } from '../storage.ts';
import { must, type Target } from '../target.ts';

export const gitRequest: Target = {
  name: 'git-request',
  reads: 'the first packet of a git:// connection',
  seeds: () => readCorpus('git-request'),
  tokens: ['\0', '\0\0', 'host=', 'version=2', '../', '//', '/./', 'git-upload-pack /'],
  run(input) {
    const request = parseGitRequest(input);
    const below = request && pathBelowRoot(request.path);
    if (below !== undefined) must(!`/${below}/`.includes('/../'), 'a path does not lead out of the root');
    peekCommand(input);
  },
};
