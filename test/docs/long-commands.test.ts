/** Documents that tell how to measure, to load and to fuzz: hours of work, whose commands are understood. */
import { describeCommands, eachCommand, notRun, runIn } from './commands.ts';
import { isUnderstood, listsLoadTests } from './long-commands.ts';

const measures = notRun('it measures for minutes to hours', isUnderstood);
const loads = notRun('it takes half an hour; npm test runs its short form', listsLoadTests);

describeCommands('docs/contributing.md', {
  'For contributors': [
    eachCommand({
      'npm ci': runIn('.ci/run'),
      'npm run typecheck': runIn('.ci/run', 'npm run --silent typecheck'),
      'npm run lint': runIn('.ci/run', 'npm run --silent lint'),
      'npm test': runIn('.ci/run'),
    }),
  ],
  Measure: [
    eachCommand({
      'npm run bench -- --repo /srv/git/large.git compare --only clone': measures,
      'npm run bench -- --node-flag=--cpu-prof --only clone compare': measures,
    }),
  ],
});

describeCommands('docs/performance.md', {
  Performance: [
    eachCommand({
      'npm run bench': measures,
      'npm run bench -- memory': measures,
      'npm run bench -- --repo DIR compare': measures,
      'npm run bench -- --help': measures,
    }),
  ],
});

describeCommands('docs/reliability.md', {
  Reliability: [
    eachCommand({
      'npm run test:load': loads,
      'npx vitest run test/load': loads,
      'PACKHORSE_LOAD_SEED=… npm run test:load': loads,
      'npm run test:load -- test/load/storm.test.ts': loads,
    }),
  ],
});

describeCommands('test/fuzz/README.md', {
  Fuzzing: [
    eachCommand({
      'npm run fuzz -- --list': measures,
      'npm run fuzz -- reftable --time 600': measures,
      'npm run fuzz -- all --time 120 --seed 7': measures,
    }),
  ],
});
