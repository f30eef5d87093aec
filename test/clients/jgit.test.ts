/** JGit. */
import { testClient } from './client-tests.ts';
import { jgit } from './clients.ts';

testClient(jgit);
