/** The stdio door: the repository is read by this process, in this thread. */
import { asPackhorseError } from '../errors.ts';
import { Pace } from '../pack/pace.ts';
import { parseVersion } from '../protocol/version.ts';
import { ByteSink } from '../upload-pack/byte-sink.ts';
import { newStatistics } from '../upload-pack/statistics.ts';
import { Alarm } from './alarm.ts';
import type { UploadPackArguments } from './arguments.ts';
import { openServer } from './environment.ts';
import { FATAL, fatalText, printFatal } from './fatal.ts';
import { ClientInput } from './input.ts';
import { Output } from './output.ts';
import { endBy } from './signals.ts';

/** @returns the exit code; a client that stops reading ends the process by SIGPIPE, as it ends git */
export async function serveClient(given: UploadPackArguments): Promise<number> {
  const version = parseVersion(process.env.GIT_PROTOCOL);
  const pace = new Pace();
  const output = new Output(process.stdout, () => pace.cancel());
  // Version 2 has no time limit, as with git.
  const alarm = new Alarm(version === 2 ? 0 : given.timeout);
  const sink = new ByteSink((bytes) => alarm.during(output.write(bytes)), {
    // A daemon, which sets a limit, has no one who reads what is said beside the protocol.
    onProgress: given.timeout > 0 ? undefined : (text) => void process.stderr.write(text),
  });
  let input: ClientInput | undefined;
  try {
    const server = openServer(given, process.env);
    const exchange = { sink, pace, statistics: newStatistics('none') };
    if (given.advertiseRefs) {
      await server.advertise(version, exchange);
      return 0;
    }
    input = new ClientInput(process.stdin, alarm);
    if (given.statelessRpc) await server.answer(version, input, exchange);
    else {
      const begin = () => newStatistics('none');
      await server.converse(version, { sink, pace, input, begin, answered: () => {} });
    }
    return 0;
  } catch (error) {
    if (output.isAbandoned) return endBy('SIGPIPE');
    printFatal(fatalText(error, given.directory));
    // It may be the client's going away that has failed.
    await sink.sendFailure(asPackhorseError(error)).catch(() => {});
    return FATAL;
  } finally {
    input?.close();
  }
}
