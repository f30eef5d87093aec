import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { ControlGroup } from '../../../src/front/pressure/control-group.ts';
import { controlGroupDirectories } from '../../../src/front/pressure/control-group-directories.ts';
import { MemoryMeasure } from '../../../src/front/pressure/memory-use.ts';
import { processors } from '../../../src/front/pressure/processors.ts';
import { temporaryDirectory } from '../../support/directory.ts';

const MOUNT = '42 32 0:39 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const MB = 2 ** 20;

/** A directory with such files, as a control group has them. */
function group(files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(directory, name), text);
  return directory;
}

describe('the directories of a control group', () => {
  test.each([
    ['in a container', '0::/\n', MOUNT, ['/sys/fs/cgroup']],
    [
      'of a unit of systemd, with the slices around it',
      '0::/system.slice/packhorse.service\n',
      MOUNT,
      ['/sys/fs/cgroup/system.slice/packhorse.service', '/sys/fs/cgroup/system.slice', '/sys/fs/cgroup'],
    ],
    [
      'beside version 1',
      '4:memory:/elsewhere\n0::/own\n',
      `35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n${MOUNT.replace('cgroup rw', 'cgroup/unified rw')}`,
      ['/sys/fs/cgroup/unified/own', '/sys/fs/cgroup/unified'],
    ],
    [
      'where a part of the tree is mounted, at a path with a space',
      '0::/docker/a/own\n',
      '42 32 0:39 /docker/a /mnt/control\\040groups rw - cgroup2 cgroup2 rw\n',
      ['/mnt/control groups/own', '/mnt/control groups'],
    ],
    ['outside of what is mounted', '0::/docker/b\n', MOUNT.replace('/ /sys', '/docker/a /sys'), []],
    ['outside of its namespace', '0::/../b\n', MOUNT, []],
    ['where version 2 is not mounted', '0::/\n', '', []],
    ['where there is version 1 alone', '4:memory:/a\n', MOUNT, []],
  ])('%s', (_, cgroup, mountinfo, expected) => {
    expect(controlGroupDirectories(cgroup, mountinfo)).toEqual(expected);
  });
});

describe('the memory of a control group', () => {
  const files = {
    'memory.current': `${400 * MB}\n`,
    'memory.stat': `anon ${100 * MB}\nactive_file ${MB}\ninactive_file ${250 * MB}\n`,
    'memory.max': `${500 * MB}\n`,
    'memory.high': 'max\n',
  };

  it('is its working set, without the file pages that were not used lately', () => {
    expect(new ControlGroup([group(files)]).memory()).toEqual([{ used: 150 * MB, limit: 500 * MB }]);
  });

  it('is limited by where it is slowed down, too', () => {
    const slowed = group({ ...files, 'memory.high': `${300 * MB}\n` });
    expect(new ControlGroup([slowed]).memory()).toEqual([{ used: 150 * MB, limit: 300 * MB }]);
  });

  it('is not limited where the file says max or is missing', () => {
    expect(new ControlGroup([group({ ...files, 'memory.max': 'max\n' })]).memory()).toEqual([]);
    expect(new ControlGroup([group({}), path.join(group({}), 'gone')]).memory()).toEqual([]);
  });

  it('counts where it is nearest to a limit: in a group, in one around it, or in the process', () => {
    const around = group({ 'memory.current': `${390 * MB}`, 'memory.max': `${400 * MB}` });
    const both = new ControlGroup([group(files), around]);
    expect(new MemoryMeasure(both, undefined).use(MB)).toEqual({ used: 390 * MB, limit: 400 * MB });
    const own = new MemoryMeasure(new ControlGroup([group(files)]), 100 * MB);
    expect(own.use(20 * MB)).toEqual({ used: 150 * MB, limit: 500 * MB });
    expect(own.use(90 * MB)).toEqual({ used: 90 * MB, limit: 100 * MB });
  });

  it('is the process’s against all memory where nothing limits it', () => {
    const { used, limit } = new MemoryMeasure(new ControlGroup([]), undefined).use(MB);
    expect(used).toBe(MB);
    expect(limit).toBeGreaterThan(100 * MB);
  });
});

describe('worker threads', () => {
  test.each([
    ['max 100000', 8, 8],
    ['200000 100000', 8, 2],
    ['150000 100000', 8, 2],
    ['20000 100000', 8, 1],
    ['1600000 100000', 8, 8],
    ['', 8, 8],
  ])('with a cpu.max of %j and %d processors are %d', (text, parallelism, expected) => {
    const cpu = new ControlGroup([group({ 'cpu.max': `${text}\n` })]).cpu();
    expect(processors(parallelism, cpu.values())).toBe(expected);
  });

  it('go by the least of the groups around the process', () => {
    const groups = new ControlGroup(
      ['400000 100000', '300000 100000'].map((max) => group({ 'cpu.max': max })),
    );
    expect(processors(8, groups.cpu().values())).toBe(3);
  });
});
