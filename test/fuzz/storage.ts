/** Inputs on disk: the corpus of a target, and what once made it fail. */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const CORPUS = path.join(import.meta.dirname, 'corpus');
const CRASHES = path.join(import.meta.dirname, 'crashes');

/** The good inputs of a target, in the order of their names. */
export function readCorpus(target: string): Buffer[] {
  return readInputs(path.join(CORPUS, target)).map(({ input }) => input);
}

/** Inputs that a target once failed on. */
export function readCrashes(target: string): { name: string; input: Buffer }[] {
  return readInputs(path.join(CRASHES, target));
}

/** Targets that ever failed. */
export function crashedTargets(): string[] {
  return fs.existsSync(CRASHES) ? fs.readdirSync(CRASHES).sort() : [];
}

export function writeCorpus(target: string, name: string, input: Uint8Array): void {
  write(path.join(CORPUS, target), name, input);
}

/** @returns the path of the file */
export function writeCrash(target: string, kind: string, input: Uint8Array): string {
  const hash = crypto.createHash('sha1').update(input).digest('hex');
  return write(path.join(CRASHES, target), `${kind}-${hash.slice(0, 12)}`, input);
}

function write(directory: string, name: string, input: Uint8Array): string {
  const file = path.join(directory, name);
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(file, input);
  return file;
}

function readInputs(directory: string): { name: string; input: Buffer }[] {
  if (!fs.existsSync(directory)) return [];
  const names = fs.readdirSync(directory).sort();
  return names.map((name) => ({ name, input: fs.readFileSync(path.join(directory, name)) }));
}
