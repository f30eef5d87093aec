import { OBJECT_FORMATS } from '../../../src/repository/object-format.ts';
import { Reftable } from '../../../src/repository/reftable.ts';
import { ReftableCursor } from '../../../src/repository/reftable-cursor.ts';
import { ReftableMerge } from '../../../src/repository/reftable-merge.ts';
import { SYMBOLIC } from '../../../src/repository/reftable-records.ts';
import { inOneGo } from '../../../src/stretches.ts';
import { withReftableFooter } from '../checksums.ts';
import { memoryFile } from '../memory-file.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, type Target } from '../target.ts';

export const reftable: Target = {
  name: 'reftable',
  reads: 'tables of refs',
  seeds: () => readCorpus('reftable'),
  tokens: ['r', 'i', 'g', 'o', 'REFT', 'refs/heads/', '\xff\xff\xff'],
  repair: withReftableFooter,
  run(input) {
    const format = input.toString('latin1', 24, 28) === 's256' && input[4] === 2 ? 'sha256' : 'sha1';
    const table = orRefused(() => inOneGo(Reftable.read(memoryFile(input), OBJECT_FORMATS[format])));
    if (!table) return;
    const names = readAll(table);
    // What was checked once does not fail later.
    const cursor = new ReftableCursor(table);
    for (const name of names.filter((_, i) => i % Math.ceil(names.length / 100) === 0)) {
      cursor.seek(Buffer.from(name, 'latin1'));
      must(!cursor.done && cursor.name() === name, 'a name is found where it stands');
    }
    const merge = new ReftableMerge([table, table]);
    merge.seek(Buffer.from('refs/'));
    let count = 0;
    for (; merge.current; merge.next()) count++;
    must(count === names.filter((name) => name >= 'refs/').length, 'a table merged with itself is the same');
  },
};

function readAll(table: Reftable): string[] {
  const cursor = new ReftableCursor(table);
  const names: string[] = [];
  for (cursor.seek(Buffer.alloc(0)); !cursor.done; cursor.next()) {
    names.push(cursor.name());
    if (cursor.type === SYMBOLIC) cursor.target();
    else cursor.oidHex();
    cursor.peeledHex();
  }
  must(
    names.every((name, i) => i === 0 || names[i - 1] < name),
    'names ascend',
  );
  return names;
}
