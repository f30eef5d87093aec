/** go-git. */
import { testClient } from './client-tests.ts';
import { goGit } from './clients.ts';

testClient(goGit);
