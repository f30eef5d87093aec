/**
 * Copies of a repository, with a bitmap and without, that may be changed and served: hard links to its objects, refs of
 * its own, and settings that allow what the bench asks for. The repository itself is only read.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { git } from '../git.ts';
import { type Source, sourceAt } from '../source.ts';

export interface Copies {
  readonly plain: Source;
  readonly bitmap: Source;
  /** Whether the second was packed anew, because the repository has no bitmap. */
  readonly repacked: boolean;
}

/**
 * Makes the copies if they are not there yet, or if the repository has changed since.
 * @param kept directory below which they are kept and served
 * @throws Error when the repository borrows objects from another
 */
export function ensureCopies(source: Source, kept: string): Copies {
  const gitDirectory = path.resolve(source.directory, git(source.directory, 'rev-parse', '--git-common-dir'));
  const objects = path.join(gitDirectory, 'objects');
  if (fs.existsSync(path.join(objects, 'info/alternates'))) {
    throw new Error(`${source.directory} borrows objects: pack them into it first`);
  }
  const hasBitmap = fs.readdirSync(path.join(objects, 'pack')).some(isBitmap);
  const name = `${path.basename(source.directory, '.git')}-${fingerprint(source.directory, objects)}`;
  const directory = path.join(kept, 'copies', name);
  const ensure = (file: string, make: (target: string) => void): Source => {
    const target = path.join(directory, file);
    if (!fs.existsSync(target)) {
      process.stderr.write(`making ${target}\n`);
      fs.mkdirSync(directory, { recursive: true });
      // Renamed when it is whole, as generated ones are.
      const unfinished = fs.mkdtempSync(`${target}-`);
      make(unfinished);
      fs.renameSync(unfinished, target);
    }
    return { ...sourceAt(target), root: kept, name: path.relative(kept, target) };
  };
  return {
    plain: ensure('plain.git', (target) => copy(source, gitDirectory, target, (file) => !isBitmap(file))),
    bitmap: ensure('bitmap.git', (target) => {
      copy(source, gitDirectory, target, () => true);
      if (!hasBitmap) git(target, 'repack', '-a', '-d', '-b', '-q');
    }),
    repacked: !hasBitmap,
  };
}

function copy(source: Source, gitDirectory: string, target: string, takes: (file: string) => boolean): void {
  git('.', 'init', '--quiet', '--bare', `--object-format=${source.format}`, target);
  git(target, 'config', 'uploadpack.allowFilter', 'true');
  link(path.join(gitDirectory, 'objects'), path.join(target, 'objects'), takes);
  for (const file of ['HEAD', 'packed-refs', 'refs']) {
    const from = path.join(gitDirectory, file);
    if (fs.existsSync(from)) fs.cpSync(from, path.join(target, file), { recursive: true });
  }
  git(target, 'pack-refs', '--all');
}

/** Links every file that it takes; what lies on another device is copied. */
function link(from: string, to: string, takes: (file: string) => boolean): void {
  fs.mkdirSync(to, { recursive: true });
  for (const entry of fs.readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) link(source, target, takes);
    else if (takes(entry.name)) {
      try {
        fs.linkSync(source, target);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
        fs.copyFileSync(source, target);
      }
    }
  }
}

function isBitmap(file: string): boolean {
  return file.endsWith('.bitmap');
}

/** Changes with the refs, the packs and the number of loose objects. */
function fingerprint(directory: string, objects: string): string {
  const packs = fs.readdirSync(path.join(objects, 'pack')).map((file) => {
    const { size, mtimeMs } = fs.statSync(path.join(objects, 'pack', file));
    return `${file} ${size} ${mtimeMs}`;
  });
  const parts = [
    fs.realpathSync(directory),
    git(directory, 'for-each-ref'),
    git(directory, 'count-objects'),
    ...packs.sort(),
  ];
  return crypto.createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 12);
}
