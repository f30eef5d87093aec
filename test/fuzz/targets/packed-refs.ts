import { PackedLine } from '../../../src/repository/packed-line.ts';
import { PackedRefs } from '../../../src/repository/packed-refs.ts';
import { inOneGo } from '../../../src/stretches.ts';
import { memoryFile } from '../memory-file.ts';
import { readCorpus } from '../storage.ts';
import { must, orRefused, type Target } from '../target.ts';

export const packedRefs: Target = {
  name: 'packed-refs',
  reads: 'the file packed-refs',
  seeds: () => readCorpus('packed-refs'),
  tokens: [
    '\n',
    '^',
    '#',
    '# pack-refs with: sorted \n',
    ' refs/heads/',
    ' refs/tags/',
    'f'.repeat(40),
    '/',
    '.lock',
  ],
  // The rest of a file that was cut short is never looked at.
  repair: (input) => (input.at(-1) === 10 ? input : Buffer.concat([input, Buffer.from('\n')])),
  run(input) {
    const refs = orRefused(() => inOneGo(PackedRefs.read(memoryFile(input))));
    if (!refs) return;
    for (const name of orRefused(() => namesOf(refs)) ?? []) {
      const key = Buffer.from(name, 'latin1');
      orRefused(() => refs.get(name));
      orRefused(() => refs.findBehind(key, refs.find(key)));
      orRefused(() => refs.findEnd(key));
      orRefused(() => refs.get(name.slice(0, -1)));
    }
  },
};

/** Of the first lines: looking each of them up takes as long again. */
function namesOf(refs: PackedRefs): string[] {
  const line = new PackedLine(refs);
  const names: string[] = [];
  for (let at = refs.skipNotes(0); at < refs.data.length; at = refs.skipNotes(line.next)) {
    line.read(at);
    must(line.next > at && line.next <= refs.data.length, 'a line ends behind its start');
    if (line.named && names.length < 100) names.push(line.name());
    if (line.peeled >= 0) line.peeledOid();
    line.peeledHex();
    line.oidHex();
  }
  return names;
}
