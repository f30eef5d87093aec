/** `packhorse upload-pack --server`: hands a client on to a running service, and copies bytes both ways. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';
import { encodeError } from '../protocol/pkt-line.ts';
import { traceparentOf } from '../protocol/traceparent.ts';
import { UPGRADE_TOKEN } from '../protocol/upgrade.ts';
import { parseVersion } from '../protocol/version.ts';
import { AGENT } from '../version.ts';
import type { TlsFiles, UploadPackArguments } from './arguments.ts';
import { FATAL, notARepository, printFatal } from './fatal.ts';
import { endBy } from './signals.ts';

export interface BridgeArguments extends Pick<UploadPackArguments, 'tokenFile' | 'tls' | 'directory'> {
  readonly server: string;
}

/** @returns the exit code; a client that stops reading ends the process by SIGPIPE */
export async function bridge(given: BridgeArguments): Promise<number> {
  const { stdin, stdout } = process;
  try {
    const socket = await connect(given);
    // When the client is done with speaking the service is told so, and speaks on.
    stdin.once('error', () => socket.end()).pipe(socket);
    return await copyAnswers(socket);
  } catch (error) {
    const { message } = error as Error;
    printFatal(message);
    stdout.write(encodeError(message));
    return FATAL;
  } finally {
    stdin.destroy();
  }
}

/** @returns the exit code */
async function copyAnswers(socket: Socket): Promise<number> {
  const { stdout } = process;
  let isAbandoned = false;
  stdout.once('error', () => {
    isAbandoned = true;
  });
  try {
    await pipeline(socket, stdout, { end: false });
    return 0;
  } catch {
    if (isAbandoned) return endBy('SIGPIPE');
    printFatal('the service has gone away');
    return FATAL;
  }
}

/** @throws Error whose message is one line */
async function connect({ server, tokenFile, tls: files, directory }: BridgeArguments): Promise<Socket> {
  const url = serviceUrl(server, directory);
  const traceparent = traceparentOf(process.env);
  const isSecure = url.protocol === 'https:';
  const request = (isSecure ? https : http).request(url, {
    ...secureContext(files, isSecure),
    agent: false,
    headers: {
      Connection: 'Upgrade',
      Upgrade: UPGRADE_TOKEN,
      'Git-Protocol': `version=${parseVersion(process.env.GIT_PROTOCOL)}`,
      'User-Agent': AGENT,
      ...(traceparent !== undefined && { traceparent }),
      ...(tokenFile !== undefined && {
        Authorization: `Bearer ${read(tokenFile, 'the token').toString().trim()}`,
      }),
    },
  });
  request.end();
  const refused = once(request, 'response').then(([response]) => readRefusal(response));
  try {
    const [, socket, head] = await Promise.race([once(request, 'upgrade'), refused]);
    socket.unshift(head);
    return socket;
  } catch (error) {
    const { syscall, code } = error as NodeJS.ErrnoException;
    const isOurs = syscall === undefined && !code?.startsWith('ERR_SSL_');
    throw isOurs ? error : new Error(`the service cannot be reached (${code})`);
  }
}

// What goes wrong is told to the client of an SSH daemon, which is not to know where the service is.

/** Where a service has a repository, whose path is written with slashes at its ends or without. */
function serviceUrl(server: string, directory: string): URL {
  if (!URL.canParse(server) || !/^https?:/.test(server)) {
    throw new Error('--server is no URL that begins with http:// or https://');
  }
  const base = new URL(server);
  if (base.username || base.password) {
    throw new Error('--server holds a name or a password; a token goes into a file (--token-file)');
  }
  const segments = directory.split('/').filter((segment) => segment !== '');
  // These would lead out of where the URL leads.
  if (segments.includes('.') || segments.includes('..')) throw new Error(notARepository(directory));
  const repository = segments.map(encodeURIComponent).join('/');
  base.pathname = `${base.pathname.replace(/\/$/, '')}/${repository}/git-upload-pack`;
  return base;
}

/** What the two ends show each other; nothing where no file was named. */
function secureContext({ cert, key, ca }: TlsFiles, isSecure: boolean): tls.SecureContextOptions {
  const given = {
    ...(cert !== undefined && { cert: read(cert, 'the certificate') }),
    ...(key !== undefined && { key: read(key, 'the key of the certificate') }),
    ...(ca !== undefined && { ca: read(ca, 'the certificate of --tls-ca') }),
  };
  if (Object.keys(given).length === 0) return given;
  if (!isSecure)
    throw new Error('--tls-cert, --tls-key and --tls-ca need a --server that begins with https://');
  if (!given.cert !== !given.key) throw new Error('--tls-cert and --tls-key belong together');
  try {
    tls.createSecureContext(given);
    return given;
  } catch (error) {
    throw new Error(`the certificate or its key cannot be used (${(error as NodeJS.ErrnoException).code})`);
  }
}

function read(file: string, what: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw new Error(`${what} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** @throws Error always: it says what the service has said */
async function readRefusal(response: http.IncomingMessage): Promise<never> {
  let text = '';
  for await (const part of response.setEncoding('utf8')) {
    text += part;
    if (text.length > MOST_TEXT) break;
  }
  const isText = response.headers['content-type']?.startsWith('text/plain');
  const [line] = text.trim().split('\n', 1);
  throw new Error(`the service: ${isText && line ? line : 'no connection for git'} (${response.statusCode})`);
}

/** Characters of what a service has to say. */
const MOST_TEXT = 4096;
