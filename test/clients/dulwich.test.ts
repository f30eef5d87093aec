/** dulwich. */
import { testClient } from './client-tests.ts';
import { dulwich } from './clients.ts';

testClient(dulwich);
