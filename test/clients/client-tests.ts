/** Every client, at every door, has in the end what git gets from git. */
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/directory.ts';
import { type Client, gitOfVersion } from './clients.ts';
import { DOORS, type Door, gitsOwnDoor } from './doors.ts';
import { contentOf, Player, SCENARIOS, type Scenario } from './scenarios.ts';
import { createSource } from './source.ts';

/** Declares the tests of a client: each scenario that it can play, at each door. */
export function testClient(client: Client): void {
  const scenarios = SCENARIOS.filter(({ needs }) => !needs || client.can.includes(needs));
  const titled = scenarios.map((scenario) => [scenario.title, scenario] as const);
  let command: readonly string[];
  beforeAll(async () => {
    command = await client.make();
  });
  describe.each(client.doors)(`${client.name}, %s`, (name) => {
    let door: Door;
    beforeAll(async () => {
      door = await DOORS[name](root);
    });
    test.each(titled)('%s', async (_, scenario) => {
      const player = new Player(command, door, root);
      await scenario.play(player);
      expect(contentOf(player.directory)).toEqual(await judgment(scenario));
    });
  });
}

const root = temporaryDirectory();
beforeAll(() => {
  createSource(root);
});

/** What git gets from git; the same for all clients. */
async function judgment(scenario: Scenario): Promise<Content> {
  let content = judgments.get(scenario);
  if (!content) {
    const git = new Player(await gitOfVersion(2).make(), gitsOwnDoor(root), root);
    await scenario.play(git);
    content = contentOf(git.directory);
    judgments.set(scenario, content);
  }
  return content;
}

type Content = ReturnType<typeof contentOf>;
const judgments = new Map<Scenario, Content>();
