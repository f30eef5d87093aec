/** docs/runbook.md: its commands find what they look for, once all of it has happened to a service. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, expect } from 'vitest';
import { clone } from '../support/clone.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Faults } from '../support/faults.ts';
import { runGit } from '../support/git.ts';
import { createRepository, History } from '../support/history.ts';
import { type RunningService, startService } from '../support/service.ts';
import { type Block, describeCommands, eachCommand, notRun, runnableBlocks, textOf } from './commands.ts';
import { Reader } from './reader.ts';

const DOCUMENT = 'docs/runbook.md';
const root = temporaryDirectory();
const history = new History();
history.commit({ branch: 'main', files: { a: 'a\n' } });
for (const name of ['good.git', 'bad.git']) history.importInto(createRepository(root, name));
const faults = new Faults();
const reader = new Reader();

/** Each of these once is enough for a line of the log. */
async function misfortunes(service: RunningService): Promise<void> {
  await service.logged(({ msg }) => msg === 'memory is near its limit');
  await clone(service, 'good.git');
  await service.logged(({ statistics }) => statistics?.bitmap === 'absent');
  faults.set({ name: 'crash', calls: ['read'], path: 'bad.git/.*\\.pack$', action: 'crash' });
  // Until it is refused for a while, as workers are lost with it.
  for (let outcome = 'error'; outcome !== 'limited'; ) {
    const seen = service.log.length;
    await runGit(root, ['clone', '--quiet', `${service.url}/bad.git`, path.join(temporaryDirectory(), 'x')]);
    const isOfClone = ({ outcome }: { outcome?: string }) => outcome !== undefined && outcome !== 'ok';
    const line = await service.logged((line) => service.log.indexOf(line) >= seen && isOfClone(line));
    outcome = line.outcome;
  }
}

beforeAll(async () => {
  const service = await startService(root, ['--workers', '1', '--memory-limit', '1m'], faults.environment);
  await misfortunes(service);
  await service.stop();
  const log = service.log.map((line) => `${JSON.stringify(line)}\n`).join('');
  fs.writeFileSync(path.join(reader.directory, 'packhorse.log'), log);
  await reader.type(`packhorse serve --root ${root}`);
});

const finds = async (block: Block) => expect(await reader.follow(block)).not.toBe('');

const [first, ...alerts] = [...runnableBlocks(DOCUMENT)];

describeCommands(DOCUMENT, {
  [first[0]]: [
    eachCommand({
      'docker compose logs --no-log-prefix --since 1h packhorse > packhorse.log': notRun(
        'it needs a container engine',
        () => expect(textOf('docker-compose.yml')).toMatch(/^ {2}packhorse:$/m),
      ),
      'kubectl logs --selector app.kubernetes.io/name=packhorse --since 1h --tail -1 > packhorse.log': notRun(
        'it needs a cluster',
        () =>
          expect(textOf('deploy/kubernetes/base/packhorse.yaml')).toContain(
            'app.kubernetes.io/name: packhorse\n',
          ),
      ),
      'journalctl --unit packhorse --since -1h --output cat > packhorse.log': notRun(
        'it needs systemd',
        () => {},
      ),
    }),
  ],
  ...Object.fromEntries(alerts.map(([section, blocks]) => [section, blocks.map(() => finds)])),
});
