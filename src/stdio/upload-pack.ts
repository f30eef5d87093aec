/** `packhorse upload-pack`: one client on standard input and output, as `git upload-pack` serves it. */
import { readArguments, Usage } from './arguments.ts';
import { serveClient } from './door.ts';

/** @returns the exit code: 0, 128 for a failure, 129 for wrong arguments */
export async function uploadPack(args: readonly string[]): Promise<number> {
  try {
    const given = readArguments(args);
    const { server } = given;
    if (server === undefined) return await serveClient(given);
    const { bridge } = await import('./bridge.ts');
    return await bridge({ ...given, server });
  } catch (error) {
    if (!(error instanceof Usage)) throw error;
    (error.exitCode === 0 ? process.stdout : process.stderr).write(error.message);
    return error.exitCode;
  }
}
