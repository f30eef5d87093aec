/** Writes the files that are made from what is written here. */
import fs from 'node:fs';
import path from 'node:path';
import { generatedFiles } from './generated-files.ts';

const top = path.resolve(import.meta.dirname, '..');
for (const [name, text] of generatedFiles()) {
  const file = path.join(top, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}
