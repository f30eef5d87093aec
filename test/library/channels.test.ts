/** What is published, as a program hears it that subscribes. */
import diagnostics from 'node:diagnostics_channel';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type CommandRecord, UploadPackV2 } from '../../src/index.ts';
import { clone } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { requestsDuring } from '../support/request-log.ts';
import { encodeRequest } from '../support/requests.ts';
import { startService } from '../support/service.ts';
import { makeSubscriber } from '../support/subscriber.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const root = temporaryDirectory();
const repository = createRepository(root, 'project.git');
const history = new History();
for (let i = 0; i < 5; i++) history.commit({ branch: 'main', files: { [`file${i}`]: `content ${i}\n` } });
history.importInto(repository);

test('the library says how each command went', async () => {
  const heard: CommandRecord[] = [];
  const hear = (message: unknown) => void heard.push(message as CommandRecord);
  diagnostics.subscribe('packhorse:command:ended', hear);
  const server = new UploadPackV2(repository);
  await server.feed(encodeRequest('ls-refs', []));
  await server.feed(encodeRequest('fetch', [`want ${'1'.repeat(40)}`, 'done']));
  await new UploadPackV2(path.join(root, 'none.git')).feed(encodeRequest('ls-refs', []));
  diagnostics.unsubscribe('packhorse:command:ended', hear);
  server.close();
  expect(heard).toMatchObject([
    { directory: repository, statistics: { command: 'ls-refs', refs: 2 }, error: undefined },
    { directory: repository, statistics: { command: 'fetch' }, error: { code: 'PACKHORSE_NOT_OUR_REF' } },
    { directory: path.join(root, 'none.git'), error: { code: 'PACKHORSE_REPOSITORY_NOT_FOUND' } },
  ]);
});

test('a module in the service hears its main thread and its workers, which know whose span it is', async () => {
  const subscriber = makeSubscriber();
  const service = await startService(root, [], subscriber.environment);
  await requestsDuring(service, () => clone(service, 'project.git'));
  const header = ['-c', `http.extraHeader=traceparent: ${TRACEPARENT}`];
  await runGit(root, [...header, 'ls-remote', `${service.url}/project.git`]);
  await service.stop();
  const ended = subscriber.heard('fetch:ended');
  expect(subscriber.heard('fetch:started')).toHaveLength(5);
  expect(ended).toHaveLength(5);
  expect(ended[2]).toMatchObject({
    isMainThread: true,
    message: { repository: 'project.git', command: 'fetch', outcome: 'ok', statistics: { kind: 'clone' } },
  });
  expect(subscriber.heard('admission:granted').map(({ message }) => message.lane)).toContain('clone');
  const commands = subscriber.heard('command:ended');
  expect(commands.every(({ isMainThread }) => !isMainThread)).toBe(true);
  expect(commands.map(({ message }) => message.traceparent)).toEqual([
    ...[undefined, undefined, undefined],
    ...[TRACEPARENT, TRACEPARENT],
  ]);
});
