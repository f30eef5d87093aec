#!/usr/bin/env node
/** The executable `packhorse`. Each command loads what it needs: `upload-pack` is started anew for every client. */
const [command, ...args] = process.argv.slice(2);
if (command === 'upload-pack') {
  const { keepCompiledCode } = await import('./stdio/code-cache.ts');
  keepCompiledCode(process.env);
  const { uploadPack } = await import('./stdio/upload-pack.ts');
  process.exitCode = await uploadPack(args);
} else {
  const { run } = await import('./cli/run.ts');
  process.exitCode = await run(command, args);
}
