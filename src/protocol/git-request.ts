/**
 * The first packet of a git:// connection (protocol section 2.8).
 *
 *   git-<service> SP <path> [LF] NUL [ "host=" <host>[:<port>] NUL ] [ NUL *( <extra> NUL ) ]
 */
import { type ProtocolVersion, parseVersion } from './version.ts';

export interface GitRequest {
  /** Such as `git-upload-pack`. */
  readonly service: string;
  /** As the client wrote it. All texts are byte strings (latin1). */
  readonly path: string;
  /** The host that the client meant to reach, with its port if it named one. */
  readonly host: string | undefined;
  readonly version: ProtocolVersion;
}

/** @returns undefined for what is no such request */
export function parseGitRequest(payload: Buffer): GitRequest | undefined {
  const text = payload.toString('latin1');
  const end = text.indexOf('\0');
  const line = (end < 0 ? text : text.slice(0, end)).replace(/\n$/, '');
  const [, service, path] = /^(git-[a-z-]+) (.*)$/s.exec(line) ?? [];
  if (service === undefined || path === undefined) return undefined;
  const more = end < 0 ? [] : text.slice(end + 1).split('\0');
  let host: string | undefined;
  if (more[0]) {
    if (!/^host=/i.test(more[0])) return undefined;
    host = more[0].slice('host='.length);
    more.shift();
    // A host is ended by its own NUL; extras begin behind another.
    if (more[0]) return undefined;
  }
  return { service, path, host, version: parseVersion(more.filter((extra) => extra !== '').join(':')) };
}

/**
 * The path below the root that a request names, without a slash at either end; undefined for one that is not absolute
 * or could be read as something else: `//`, `/./`, `/../`, NUL.
 */
export function pathBelowRoot(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const segments = path.slice(1).replace(/\/$/, '').split('/');
  if (segments.some((segment) => ['', '.', '..'].includes(segment))) return undefined;
  return Buffer.from(segments.join('/'), 'latin1').toString('utf8');
}
