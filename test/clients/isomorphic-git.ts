/** isomorphic-git: `clone URL DIRECTORY DEPTH` or `fetch DIRECTORY DEPTH`. */
import fs from 'node:fs';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';

const [command, ...words] = process.argv.slice(2);
const options = { fs, http, depth: Number(words.pop()) || undefined };
if (command === 'clone') {
  const [url, dir] = words;
  await git.clone({ ...options, url, dir });
} else {
  await git.fetch({ ...options, dir: words[0], tags: true });
}
