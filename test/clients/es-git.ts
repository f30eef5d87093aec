/** libgit2 by es-git: `clone URL DIRECTORY DEPTH` or `fetch DIRECTORY DEPTH`. */
import os from 'node:os';
import path from 'node:path';
import { cloneRepository, type FetchOptions, openRepository } from 'es-git';

const [command, ...words] = process.argv.slice(2);
const depth = Number(words.pop());
if (command === 'clone') {
  const [url, directory] = words;
  await cloneRepository(url, directory, { fetch: optionsFor(url) });
} else {
  const repository = await openRepository(words[0]);
  const remote = repository.getRemote('origin');
  await remote.fetch([], { fetch: optionsFor(remote.url()) });
}

function optionsFor(url: string): FetchOptions {
  const privateKeyPath = path.join(os.homedir(), '.ssh/id_ecdsa');
  const { username } = new URL(url);
  return { depth, downloadTags: 'All', credential: { type: 'SSHKeyFromPath', username, privateKeyPath } };
}
