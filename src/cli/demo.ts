/** A first root for those who have none: one bare repository with a little history, written without git. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { BRANCHES, COMMITS, TAGS } from './demo-history.ts';

/** The repository in the root that {@link makeDemo} makes. */
export const DEMO_NAME = 'demo.git';

const PERSON = 'Packhorse Demo <demo@packhorse.example>';
/** 5 January 2026, 08:00 UTC; a commit a day from there on. Fixed, so that every demo has the same ids. */
const FIRST_DAY = 1767600000;
const DAY = 86400;

const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';

/** Paths with their content. */
type Files = Readonly<Record<string, string>>;

/**
 * Makes the directory `root` with `demo.git` in it: whole, or not at all. Where another process makes it meanwhile,
 * that one's is left as it is.
 * @throws the system's error when the directory cannot be written
 */
export function makeDemo(root: string): void {
  const beside = `${root}.new-${process.pid}-${crypto.randomBytes(4).toString('hex')}`;
  try {
    writeRepository(path.join(beside, DEMO_NAME));
    fs.renameSync(beside, root);
  } catch (error) {
    fs.rmSync(beside, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

function writeRepository(directory: string): void {
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
    fs.mkdirSync(path.join(directory, name), { recursive: true });
  }
  const write = (name: string, content: string) => {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), content);
  };
  for (const [name, oid] of writeHistory(path.join(directory, 'objects'))) write(name, `${oid}\n`);
  write('description', 'A demo that Packhorse made\n');
  write('config', CONFIG);
  write('HEAD', 'ref: refs/heads/main\n');
}

/** Writes every object; returns the refs with their ids. */
function writeHistory(objects: string): Map<string, string> {
  const commits = new Map<string, { oid: string; files: Files; time: string }>();
  COMMITS.forEach(({ name, parents, message, files: changed }, day) => {
    const from = parents.map((parent) => commits.get(parent)!);
    const files = Object.assign({}, ...from.map((commit) => commit.files), changed) as Files;
    const time = `${FIRST_DAY + day * DAY} +0000`;
    const header = [
      `tree ${writeTree(objects, files)}`,
      ...from.map((commit) => `parent ${commit.oid}`),
      `author ${PERSON} ${time}`,
      `committer ${PERSON} ${time}`,
    ];
    const oid = writeObject(objects, 'commit', `${header.join('\n')}\n\n${message}\n`);
    commits.set(name, { oid, files, time });
  });

  const refs = new Map<string, string>();
  for (const [name, commit] of Object.entries(BRANCHES))
    refs.set(`refs/heads/${name}`, commits.get(commit)!.oid);
  for (const { name, commit, message } of TAGS) {
    const { oid, time } = commits.get(commit)!;
    const tag = `object ${oid}\ntype commit\ntag ${name}\ntagger ${PERSON} ${time}\n\n${message}\n`;
    refs.set(`refs/tags/${name}`, message === undefined ? oid : writeObject(objects, 'tag', tag));
  }
  return refs;
}

/** Entries are sorted by name, where the name of a tree counts as if it ended in a slash. */
function writeTree(objects: string, files: Files): string {
  const entries = new Map<string, { mode: string; name: string; oid: string }>();
  for (const [file, content] of Object.entries(files)) {
    const [name, ...rest] = file.split('/');
    if (rest.length === 0) {
      entries.set(name, { mode: '100644', name, oid: writeObject(objects, 'blob', content) });
    } else if (!entries.has(`${name}/`)) {
      const inside = Object.entries(files).filter(([other]) => other.startsWith(`${name}/`));
      const below = Object.fromEntries(inside.map(([other, text]) => [other.slice(name.length + 1), text]));
      entries.set(`${name}/`, { mode: '40000', name, oid: writeTree(objects, below) });
    }
  }
  const rows = [...entries]
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .flatMap(([, { mode, name, oid }]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]);
  return writeObject(objects, 'tree', Buffer.concat(rows));
}

/** Writes a loose object unless it is there; returns its id. */
function writeObject(objects: string, type: string, content: string | Buffer): string {
  const data = Buffer.from(content as string);
  const object = Buffer.concat([Buffer.from(`${type} ${data.length}\0`), data]);
  const oid = crypto.createHash('sha1').update(object).digest('hex');
  const file = path.join(objects, oid.slice(0, 2), oid.slice(2));
  if (!fs.existsSync(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, zlib.deflateSync(object), { mode: 0o444 });
  }
  return oid;
}
