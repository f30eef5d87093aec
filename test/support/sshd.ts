/** A real OpenSSH server on a free port of the loopback, with keys and a configuration of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterTests } from './after-tests.ts';
import { temporaryDirectory } from './directory.ts';

export interface RunningSshd {
  /** `ssh://user@host:port`; the path of a repository follows. */
  readonly url: string;
  /** A home directory for clients: keys, known hosts and a configuration in `.ssh`. */
  readonly home: string;
  /** What tells clients to look there. OpenSSH's own client does not heed `HOME`. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * Every connection gets an sshd of its own, as from inetd; it stops with the tests of the file.
 * @param command run by the user's shell in place of the client's, which it finds in `SSH_ORIGINAL_COMMAND`
 */
export async function startSshd(command: string): Promise<RunningSshd> {
  const home = temporaryDirectory();
  const keys = path.join(home, '.ssh');
  fs.mkdirSync(keys);
  const hostKey = createKey(path.join(home, 'host_key'));
  const userKey = createKey(path.join(keys, 'id_ecdsa'));
  const configuration = path.join(home, 'sshd_config');
  const settings = {
    HostKey: hostKey,
    AuthorizedKeysFile: `${userKey}.pub`,
    AuthenticationMethods: 'publickey',
    UsePAM: 'no',
    StrictModes: 'no',
    PermitRootLogin: 'prohibit-password',
    AcceptEnv: 'GIT_PROTOCOL',
    ForceCommand: command,
    LogLevel: 'ERROR',
  };
  fs.writeFileSync(configuration, linesOf(settings));
  // sshd wants it when it is started by root; the package leaves making it to the service.
  if (os.userInfo().uid === 0) fs.mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });

  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    const arguments_ = ['-i', '-e', '-f', configuration];
    const child = spawn('/usr/sbin/sshd', arguments_, { stdio: [socket, socket, 'inherit'] });
    child.once('spawn', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTests(() => server.close());
  const { port } = server.address() as net.AddressInfo;

  const publicKey = fs.readFileSync(`${hostKey}.pub`, 'utf8');
  fs.writeFileSync(path.join(keys, 'known_hosts'), `[127.0.0.1]:${port} ${publicKey}`);
  const client = path.join(keys, 'config');
  const UserKnownHostsFile = path.join(keys, 'known_hosts');
  fs.writeFileSync(client, linesOf({ IdentityFile: userKey, UserKnownHostsFile, LogLevel: 'ERROR' }));
  return {
    url: `ssh://${os.userInfo().username}@127.0.0.1:${port}`,
    home,
    environment: { HOME: home, GIT_SSH_COMMAND: `ssh -F ${client}` },
  };
}

/** Of a kind that old clients know too, in a form that they can read. */
function createKey(file: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-m', 'PEM', '-N', '', '-f', file]);
  return file;
}

function linesOf(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}
