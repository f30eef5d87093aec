/** Index files that threads share: one copy of each, dropped in all of them, whatever happens at the same time. */
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { BroadcastChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { createSharedIndexes } from '../../src/channel/shared-indexes.ts';
import type { CopyParts } from '../../src/repository/index-copy.ts';
import { type IndexFile, IndexFiles } from '../../src/repository/index-files.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { derive, openFile } from '../support/in-one-go.ts';
import type { PeerCommand, PeerReply } from './index-peer.ts';

const directory = temporaryDirectory();
const HEADER = 64;
let made = 0;

function makeFile(bytes: number, fill = 1): string {
  const file = path.join(directory, `${++made}.idx`);
  fs.writeFileSync(file, Buffer.alloc(bytes, fill));
  return file;
}

function replace(file: string, content: Uint8Array): void {
  fs.writeFileSync(`${file}.new`, content);
  fs.renameSync(`${file}.new`, file);
}

describe('with real threads', () => {
  const workers: Worker[] = [];
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  });

  function startPeers(count: number, budget: number) {
    const sharing = createSharedIndexes(budget);
    const peers = Array.from({ length: count }, () => {
      const worker = new Worker(new URL('./index-peer.ts', import.meta.url), {
        workerData: { budget, sharing },
      });
      workers.push(worker);
      return async (command: PeerCommand): Promise<PeerReply> => {
        const reply = once(worker, 'message');
        worker.postMessage(command);
        return (await reply)[0];
      };
    });
    return { sharing, peers, loads: () => Number(sharing.loads.idx[0]) };
  }

  test('a file is read by one, and is the same memory in all', async () => {
    const { peers, sharing, loads } = startPeers(2, 2 ** 20);
    const file = makeFile(1000);
    // Both are there before the first begins.
    await Promise.all(peers.map((peer) => peer({ type: 'look' })));
    const first = await peers[0]({ type: 'open', paths: [file], table: 100 });
    const second = await peers[1]({ type: 'open', paths: [file], table: 100 });
    expect(second).toEqual(first);
    expect(first.memory).toBe(HEADER + 1000 + 100);
    expect(loads()).toBe(1);
    expect(Number(sharing.held[0])).toBe(first.memory);
    await peers[0]({ type: 'write', path: file, at: 0, byte: 77 });
    expect((await peers[1]({ type: 'open', paths: [file] })).bytes).toEqual([77]);
  });

  test('those that read a file at the same time agree on one copy of it and of its tables', async () => {
    const { peers, sharing, loads } = startPeers(3, 2 ** 24);
    await Promise.all(peers.map((peer) => peer({ type: 'look' })));
    const paths = Array.from({ length: 200 }, () => makeFile(1000));
    await Promise.all(peers.map((peer) => peer({ type: 'open', paths, table: 10 })));
    expect(loads()).toBeLessThanOrEqual(600);
    const replies = [];
    for (const peer of peers) replies.push(await peer({ type: 'open', paths, table: 10 }));
    const again = [];
    for (const peer of peers) again.push(await peer({ type: 'open', paths, table: 10 }));
    expect(again[1]).toEqual(again[0]);
    expect(again[2]).toEqual(again[0]);
    expect(again[0].memory).toBe(200 * (HEADER + 1000 + 10));
    expect(Number(sharing.held[0])).toBe(again[0].memory);
    for (const [k, file] of paths.entries()) {
      await peers[k % 3]({ type: 'write', path: file, at: 0, byte: k + 1 });
    }
    const { bytes } = await peers[0]({ type: 'open', paths });
    expect(bytes).toEqual(paths.map((_, k) => k + 1));
  });

  test('what one drops is dropped by those that do nothing', async () => {
    const budget = 10 * (HEADER + 1000);
    const { peers } = startPeers(2, budget);
    await Promise.all(peers.map((peer) => peer({ type: 'look' })));
    const paths = Array.from({ length: 100 }, () => makeFile(1000));
    const { memory } = await peers[0]({ type: 'open', paths });
    expect(memory).toBe(budget);
    let idle = await peers[1]({ type: 'look' });
    while (idle.memory !== budget) idle = await peers[1]({ type: 'look' });
    const { bytes } = await peers[1]({ type: 'open', paths: paths.slice(90) });
    expect(bytes).toHaveLength(10);
    expect((await peers[0]({ type: 'look' })).memory).toBe(budget);
  });
});

describe('peers', () => {
  /** Several in this thread: messages are taken when one of them looks for a file, and only then. */
  function makePeers(count: number, budget: number) {
    const sharing = createSharedIndexes(budget);
    const peers = Array.from({ length: count }, () => new IndexFiles(budget, sharing));
    const settle = () => {
      for (let round = 0; round < 6; round++) for (const peer of peers) peer.receive();
    };
    const close = () => {
      for (const peer of peers) peer.close();
    };
    return { sharing, peers, settle, close, loads: () => Number(sharing.loads.idx[0]) };
  }

  test('use the stamps of each other to find what was used longest ago', () => {
    const { peers, close, settle } = makePeers(2, 3 * (HEADER + 100));
    const [a, b, c, d] = [1, 2, 3, 4].map(() => makeFile(100));
    const [first, second] = [openFile(peers[0], a)!, openFile(peers[0], b)!];
    openFile(peers[0], c);
    openFile(peers[1], a);
    openFile(peers[1], d);
    settle();
    expect([first, second].map((file) => peers[0].holds(file))).toEqual([true, false]);
    close();
  });

  test('that hold a file by reference give it back to all', () => {
    const { peers, close, settle, loads } = makePeers(2, HEADER + 100);
    const file = makeFile(100, 5);
    const mine = openFile(peers[0], file)!;
    openFile(peers[1], makeFile(100));
    settle();
    expect(peers[0].holds(mine)).toBe(false);
    expect(peers[0].use(mine)).toBe(mine);
    mine.data[0] = 6;
    expect(openFile(peers[1], file)!.data[0]).toBe(6);
    expect(loads()).toBe(2);
    close();
  });

  test('do not drop what was used since another thought it was old', () => {
    const { peers, close, settle } = makePeers(2, 2 * (HEADER + 100));
    const [a, b, c] = [1, 2, 3].map(() => makeFile(100));
    const old = openFile(peers[0], a)!;
    openFile(peers[0], b);
    settle();
    // The second drops `a` when it opens `c`; before that is heard, the first has used it without looking.
    openFile(peers[1], c);
    Object.assign(old, { lastUse: peers[0].tick() });
    settle();
    expect(peers[0].holds(old)).toBe(true);
    expect(peers[0].memory).toBe(peers[1].memory);
    close();
  });

  test('do not take back what they drop from one that has not heard of it', () => {
    const { peers, close, settle } = makePeers(3, 2 ** 20);
    const file = makeFile(100);
    const [first, second] = peers.map((peer) => openFile(peer, file)!);
    derive(first, 'table', () => ({ bytes: new Uint8Array(10) }));
    peers[1].drop(second);
    settle();
    expect(peers.map((peer) => peer.memory)).toEqual([0, 0, 0]);
    close();
  });

  test('do not give back what was used since, and dropped again', () => {
    const { peers, close, settle } = makePeers(3, 3 * (HEADER + 100));
    const [a, b, c, d] = [1, 2, 3, 4].map(() => makeFile(100));
    const old = openFile(peers[0], a)!;
    for (const file of [b, c, d]) openFile(peers[1], file);
    expect(peers[0].use(old)).toBe(old);
    for (const file of [d, c, b]) openFile(peers[1], file);
    // The third hears of both drops at once, and makes room.
    peers[2].drop(openFile(peers[2], d)!);
    settle();
    expect(peers.map((peer) => peer.holds(old))).toEqual([false, false, false]);
    expect(peers.map((peer) => peer.memory)).toEqual([328, 328, 328]);
    close();
  });

  test('take the later of two files under one path, and drop one that is gone', () => {
    const { peers, close, settle } = makePeers(3, 2 ** 20);
    const file = makeFile(100, 1);
    const before = openFile(peers[0], file)!;
    replace(file, Buffer.alloc(200, 2));
    const after = openFile(peers[1], file)!;
    settle();
    expect(peers.map((peer) => peer.memory)).toEqual([264, 264, 264]);
    expect(peers[0].use(before)).toBe(before);
    peers[1].drop(after);
    settle();
    expect(peers.map((peer) => peer.memory)).toEqual([0, 0, 0]);
    // Still read by a request, and then offered to those that know better.
    openFile(peers[2], file);
    peers[0].use(before);
    settle();
    expect(peers.map((peer) => peer.memory)).toEqual([264, 264, 264]);
    close();
  });

  test('that come later take what the others hold', () => {
    const { sharing, peers, close, loads } = makePeers(1, 2 ** 20);
    const paths = Array.from({ length: 20 }, () => makeFile(1000));
    for (const file of paths) openFile(peers[0], file);
    const late = new IndexFiles(2 ** 20, sharing);
    peers[0].receive();
    for (const file of paths) openFile(late, file);
    expect(late.memory).toBe(peers[0].memory);
    expect(loads()).toBe(20);
    late.close();
    close();
  });

  /** A peer that has heard nothing, and says what it holds when it is told to. */
  function makeLoner({ sharing }: ReturnType<typeof makePeers>) {
    const files = new IndexFiles(2 ** 20, { ...sharing, channel: 'elsewhere' });
    const channel = new BroadcastChannel(sharing.channel);
    return {
      files,
      say: (parts: CopyParts) => channel.postMessage({ type: 'held', parts }),
      hear: () => receiveMessageOnPort(channel as unknown as MessagePort)?.message,
      close: () => {
        channel.close();
        files.close();
      },
    };
  }

  test('answer who holds a later copy, or an earlier file, with theirs', () => {
    const all = makePeers(1, 2 ** 20);
    const loner = makeLoner(all);
    const [one, two] = [makeFile(100), makeFile(100)];
    const late = openFile(loner.files, two)!;
    replace(two, Buffer.alloc(100, 2));
    const ours = [one, two].map((file) => openFile(all.peers[0], file)!);
    const same = openFile(loner.files, one)!;
    while (loner.hear());
    for (const theirs of [same, late]) loner.say(theirs.parts);
    all.peers[0].receive();
    for (const { path, identity, serial } of ours) {
      expect(loner.hear()).toMatchObject({ type: 'held', parts: { path, identity, serial } });
    }
    loner.say(ours[0].parts);
    all.peers[0].receive();
    expect(loner.hear()).toBeUndefined();
    loner.close();
    all.close();
  });

  test('keep their tables when they take an earlier copy, and the earlier of two tables', () => {
    const all = makePeers(1, 2 ** 20);
    const [peer] = all.peers;
    const loner = makeLoner(all);
    const file = makeFile(100);
    const theirs = openFile(loner.files, file)!;
    const first = derive(theirs, 'both', () => ({ bytes: new Uint8Array(10).fill(1) }));
    const ours = openFile(peer, file)!;
    derive(ours, 'both', () => ({ bytes: new Uint8Array(20).fill(2) }));
    derive(ours, 'mine', () => ({ bytes: new Uint8Array(30).fill(3) }));
    loner.say(theirs.parts);
    const agreed = peer.use(ours);
    expect(agreed).not.toBe(ours);
    const fail = () => {
      throw new Error('made again');
    };
    expect(derive(agreed, 'both', fail)).toEqual(first);
    expect(derive(agreed, 'mine', fail)).toEqual({ bytes: new Uint8Array(30).fill(3) });
    expect(peer.memory).toBe(HEADER + 100 + 10 + 30);
    // The same copy with other tables of the same names.
    const tables = { bytes: new Uint8Array(new SharedArrayBuffer(5)) };
    const derived = [
      ['both', { serial: 2n ** 60n, tables }],
      ['mine', { serial: 0n, tables }],
    ] as const;
    loner.say({ ...theirs.parts, derived: new Map(derived) });
    peer.receive();
    expect(derive(agreed, 'both', fail)).toEqual(first);
    expect(derive(agreed, 'mine', fail)).toEqual(tables);
    expect(peer.memory).toBe(HEADER + 100 + 10 + 5);
    loner.close();
    all.close();
  });

  const PEERS = 3;
  const FILES = 6;
  const BUDGET = 2000;
  const peer = fc.nat(PEERS - 1);
  const file = fc.nat(FILES - 1);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('open' as const), peer, file }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('derive' as const), peer, file, size: fc.nat(300) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('use' as const), peer, file }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), peer, file }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), file, size: fc.nat(900) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  );

  test('come to hold the same within the budget, whatever they do', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const paths = Array.from({ length: FILES }, () => makeFile(500));
        const { sharing, peers, settle, close } = makePeers(PEERS, BUDGET);
        /** What requests of each peer still hold. */
        const inUse = peers.map(() => new Map<number, ReturnType<typeof openFile>>());
        for (const one of steps) {
          if (one.do === 'settle') settle();
          else if (one.do === 'replace') replace(paths[one.file], Buffer.alloc(one.size, one.file));
          else if (one.do === 'open')
            inUse[one.peer].set(one.file, openFile(peers[one.peer], paths[one.file]));
          else {
            const held = inUse[one.peer].get(one.file);
            if (!held) continue;
            if (one.do === 'drop') peers[one.peer].drop(held);
            else if (one.do === 'use') inUse[one.peer].set(one.file, peers[one.peer].use(held));
            else derive(held, 'table', () => ({ bytes: new Uint8Array(one.size) }));
          }
        }
        settle();
        const held = Number(sharing.held[0]);
        for (const one of peers) expect(one.memory).toBe(held);
        // Each file as it lies on the disk now is the same memory for all; what that takes is what is counted.
        for (const [k, name] of paths.entries()) {
          const copies: IndexFile[] = peers.map((one) => openFile(one, name)!);
          copies[0].data.fill(100 + k);
          for (const copy of copies) expect(copy.data.every((byte) => byte === 100 + k)).toBe(true);
          const tables = copies.map((copy) => derive(copy, 'table', () => ({ bytes: new Uint8Array(1) })));
          tables[0].bytes.fill(1);
          for (const { bytes } of tables) expect(bytes.every((byte) => byte === 1)).toBe(true);
        }
        settle();
        for (const one of peers) {
          const mine = paths.map((name) => openFile(one, name)!).filter((copy) => one.holds(copy));
          expect(mine.length).toBeGreaterThan(0);
          expect(one.memory).toBeLessThanOrEqual(BUDGET);
        }
        close();
      }),
      { numRuns: 200 },
    );
  });
});
