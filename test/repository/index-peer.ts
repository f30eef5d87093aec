/** A thread that shares index files; it does what it is told, one message at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { IndexFiles, type IndexSharing } from '../../src/repository/index-files.ts';
import { derive, openFile } from '../support/in-one-go.ts';

export interface PeerSettings {
  readonly budget: number;
  readonly sharing: IndexSharing;
}

export type PeerCommand =
  /** Opens files, and makes a table of each where `table` says how many bytes. */
  | { readonly type: 'open'; readonly paths: readonly string[]; readonly table?: number }
  /** Writes a byte of a file that is held. */
  | { readonly type: 'write'; readonly path: string; readonly at: number; readonly byte: number }
  | { readonly type: 'look' };

export interface PeerReply {
  readonly memory: number;
  /** The first byte of each file, and of its table where one was asked for. */
  readonly bytes: number[];
}

const { budget, sharing } = workerData as PeerSettings;
const files = new IndexFiles(budget, sharing);

parentPort!.on('message', (command: PeerCommand) => {
  const bytes: number[] = [];
  if (command.type === 'open') {
    for (const path of command.paths) {
      const file = openFile(files, path)!;
      bytes.push(file.data[0]);
      const { table } = command;
      if (table === undefined) continue;
      const made = derive(file, 'table', () => ({
        bytes: new Uint8Array(table).fill(Number(sharing.clock[0])),
      }));
      bytes.push(made.bytes[0]);
    }
  } else if (command.type === 'write') {
    openFile(files, command.path)!.data[command.at] = command.byte;
  }
  parentPort!.postMessage({ memory: files.memory, bytes } satisfies PeerReply);
});
