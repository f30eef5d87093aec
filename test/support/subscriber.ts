/** A module that is loaded into every thread of a service, subscribes to its channels, and writes down what it hears. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Admitted, CommandRecord, FetchRecord } from '../../src/index.ts';
import { temporaryDirectory } from './directory.ts';

export interface Heard {
  /** Without `packhorse:`. */
  readonly channel: string;
  readonly isMainThread: boolean;
  readonly message: Partial<FetchRecord & CommandRecord & Admitted>;
}

export interface Subscriber {
  /** Variables to start the service with. */
  readonly environment: NodeJS.ProcessEnv;
  /** What was heard so far on a channel. */
  heard(channel: string): Heard[];
}

const SOURCE = `
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
for (const channel of ['fetch:started', 'fetch:ended', 'admission:granted', 'command:ended'])
  subscribe('packhorse:' + channel, (message) =>
    appendFileSync(process.env.HEARD, JSON.stringify({ channel, isMainThread, message }) + '\\n'));
`;

export function makeSubscriber(): Subscriber {
  const directory = temporaryDirectory();
  const source = path.join(directory, 'subscriber.mjs');
  const file = path.join(directory, 'heard');
  fs.writeFileSync(source, SOURCE);
  fs.writeFileSync(file, '');
  return {
    environment: { NODE_OPTIONS: `--import=${pathToFileURL(source)}`, HEARD: file },
    heard(channel) {
      const lines = fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line) as Heard).filter((heard) => heard.channel === channel);
    },
  };
}
