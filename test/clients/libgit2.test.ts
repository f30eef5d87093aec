/** libgit2 in two versions: Debian's, and that of es-git. */
import { testClient } from './client-tests.ts';
import { esGit, pygit2 } from './clients.ts';

testClient(pygit2);
testClient(esGit);
