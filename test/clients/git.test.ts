/** git, in all versions of the protocol. */
import { testClient } from './client-tests.ts';
import { gitOfVersion } from './clients.ts';

testClient(gitOfVersion(0));
testClient(gitOfVersion(1));
testClient(gitOfVersion(2));
