/** Where the files of a process's control group lie (version 2), by what proc(5) says of the process. */
import path from 'node:path';

/**
 * The directory of the process's own group and of every group around it, innermost first: a limit of any of them holds.
 * Empty where version 2 is not mounted, or where the group cannot be seen from here.
 * @param cgroup /proc/self/cgroup
 * @param mountinfo /proc/self/mountinfo
 */
export function controlGroupDirectories(cgroup: string, mountinfo: string): string[] {
  const own = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  const mount = mountinfo
    .split('\n')
    .map(parseMount)
    .find((each) => each?.type === 'cgroup2');
  if (own === undefined || !mount) return [];
  // A container may have only its own part of the tree mounted; what lies outside of that begins with `/..`.
  const below = path.posix.relative(mount.root, own);
  if (`${mount.root}${own}/${below}`.split('/').includes('..')) return [];
  const names = below === '' ? [] : below.split('/');
  return names.map((_, i) => path.join(mount.point, ...names.slice(0, names.length - i))).concat(mount.point);
}

interface Mount {
  readonly root: string;
  readonly point: string;
  readonly type: string;
}

/** `31 23 0:28 <root> <point> rw shared:1 - <type> ...`: some optional fields stand before the dash. */
function parseMount(line: string): Mount | undefined {
  const [fields, rest] = line.split(' - ');
  const [, , , root, point] = fields.split(' ');
  if (rest === undefined || point === undefined) return undefined;
  return { root: unescapeOctal(root), point: unescapeOctal(point), type: rest.split(' ')[0] };
}

/** Spaces, tabs, line feeds and backslashes are written as `\040` and the like. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}
