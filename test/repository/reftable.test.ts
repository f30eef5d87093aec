/** Tables of every shape that the format allows, in stacks: they hold what was written, by prefix and by name. */
import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OBJECT_FORMATS } from '../../src/repository/object-format.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listRefs, openReftables } from './list-refs.ts';
import { PLAIN, type TableShape, type WrittenRef, writeReftable, writeStack } from './write-reftable.ts';

const directory = temporaryDirectory();
const oid = (digit: string, length = 40) => digit.repeat(length);

const part = fc.constantFrom('a', 'b', 'ab', 'a-b', 'a.b', 'x'.repeat(30), 'ä\xff', '7');
const name = fc
  .tuple(
    fc.constantFrom('refs/heads', 'refs/tags', 'refs/a', 'refs'),
    fc.array(part, { minLength: 1, maxLength: 3 }),
  )
  .map(([start, parts]) => `${start}/${parts.join('/')}`);

/** Of 40 digits, of which the rest of a longer id is made too. */
const digits = fc.constantFrom(...'123456789abcdef').map((digit) => oid(digit));
const value = fc.oneof(
  fc.record({ oid: digits }),
  fc.record({ oid: digits, peeled: digits }),
  fc.record({ target: name }),
  fc.constant({}),
);
const table = fc.dictionary(name, value, { maxKeys: 60, noNullPrototype: true });

const shape = fc.record<TableShape>({
  hash: fc.constantFrom('sha1', 's256'),
  version: fc.constantFrom(1, 2),
  blockSize: fc.constantFrom(250, 600, 4096),
  alignment: fc.constantFrom('aligned', 'none', 'none, unsaid'),
  interval: fc.constantFrom(1, 2, 16),
  index: fc.constantFrom('none', 'one', 'levels'),
  objects: fc.boolean(),
  logs: fc.boolean(),
});

/** What a stack says: the newest value of each name. */
type Values = ReadonlyMap<string, Omit<WrittenRef, 'name'>>;

function valuesOf(tables: readonly Record<string, Omit<WrittenRef, 'name'>>[]): Values {
  return new Map(tables.flatMap((table) => Object.entries(table)));
}

/** What a name stands for in the end, if anything. */
function follow(values: Values, name: string, hops = 0): Omit<WrittenRef, 'name'> | undefined {
  const found = values.get(name);
  if (found?.oid) return { oid: found.oid, peeled: found.peeled };
  return found?.target && hops < 4 ? follow(values, found.target, hops + 1) : undefined;
}

function end(values: Values, name: string, hops = 0): string {
  const target = hops < 5 ? values.get(name)?.target : undefined;
  return target ? end(values, target, hops + 1) : name;
}

function expected(values: Values) {
  return [...values.keys()].sort().flatMap((name) => {
    const found = follow(values, name);
    const target = values.get(name)?.target && end(values, name);
    return found ? [{ name, oid: found.oid, peeled: found.peeled, target }] : [];
  });
}

describe('a stack of tables', () => {
  it('has the newest value of each name, under every prefix', async () => {
    const tables = fc.array(table, { minLength: 1, maxLength: 4 });
    const prefixes = fc.array(fc.oneof(name, fc.constantFrom('refs/heads/', 'refs/a', 'refs/', 'r', 'x')), {
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(
        tables,
        fc.array(shape, { minLength: 4, maxLength: 4 }),
        prefixes,
        async (all, shapes, some) => {
          const { hash } = shapes[0];
          const long = hash === 's256';
          const widened = all.map((table) =>
            Object.fromEntries(
              Object.entries(table).map(([name, value]) => [name, long ? widen(value) : value]),
            ),
          );
          const written = widened.map((table, i) => {
            const refs = Object.entries(table).map(([name, value]) => ({ name, ...value }));
            return writeReftable(refs, { ...shapes[i], hash, version: long ? 2 : shapes[i].version }).data;
          });
          writeStack(directory, written);
          const values = valuesOf(widened);
          const open = () => openReftables(directory, OBJECT_FORMATS[long ? 'sha256' : 'sha1']);
          const refs = expected(values);
          expect(await listRefs(open())).toEqual(refs);
          const wanted = refs.filter(({ name }) => some.some((prefix) => name.startsWith(prefix)));
          expect(await listRefs(open(), some)).toEqual(some.length === 0 ? refs : wanted);
          const known = open();
          for (const { name, ...ref } of refs) expect(known.resolve(name)).toEqual({ name, ...ref });
          for (const name of values.keys()) {
            expect(known.resolve(name)?.oid).toBe(follow(values, name)?.oid);
            expect(known.resolve(`${name}/`)).toBeUndefined();
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of tables without refs, and of logs alone, is empty', async () => {
    for (const logs of [false, true]) {
      writeStack(directory, [writeReftable([], { ...PLAIN, logs }).data]);
      expect(await listRefs(openReftables(directory))).toEqual([]);
      expect(openReftables(directory).resolve('HEAD')).toBeUndefined();
    }
  });

  it('finds names of any length', async () => {
    const long = `refs/heads/${'long/'.repeat(5000)}end`;
    const refs = [long, `${long}er`, 'refs/heads/short'].map((name) => ({ name, oid: oid('1') }));
    writeStack(directory, [writeReftable(refs, { ...PLAIN, blockSize: 2 ** 17, interval: 1 }).data]);
    expect((await listRefs(openReftables(directory))).map(({ name }) => name)).toEqual(
      refs.map(({ name }) => name),
    );
    expect(openReftables(directory).resolve(`${long}er`)?.oid).toBe(oid('1'));
  });

  // Looking at each prefix for each ref would take minutes here.
  it('has 50,000 prefixes in 100,000 refs', async () => {
    const number = (i: number) => `refs/heads/${`${i}`.padStart(6, '0')}`;
    const refs = Array.from({ length: 100_000 }, (_, i) => ({ name: number(i), oid: oid('1') }));
    writeStack(directory, [
      writeReftable(refs, { ...PLAIN, index: 'levels' }).data,
      writeReftable([{ name: number(2) }], PLAIN).data,
    ]);
    const prefixes = Array.from({ length: 50_000 }, (_, i) => number(2 * i)).reverse();
    let pauses = 0;
    const found = await listRefs(openReftables(directory), prefixes, () => {
      pauses++;
      return undefined;
    });
    expect(found.map(({ name }) => name)).toEqual(prefixes.reverse().filter((name) => name !== number(2)));
    expect(pauses).toBeGreaterThanOrEqual(50_000);
    pauses = 0;
    const all = await listRefs(openReftables(directory), [], async () => void pauses++);
    expect(all).toHaveLength(99_999);
    expect(pauses).toBeGreaterThan(3000);
    fs.rmSync(`${directory}/reftable`, { recursive: true });
  });
});

function widen({ oid, peeled, target }: Omit<WrittenRef, 'name'>): Omit<WrittenRef, 'name'> {
  const long = (id: string | undefined) => id && `${id}${id.slice(0, 24)}`;
  return target === undefined ? { oid: long(oid), peeled: long(peeled) } : { target };
}
