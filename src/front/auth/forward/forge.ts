/** The question to the forge: one HTTP request, of which only the head of the answer counts. */
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { authorizationUnavailable } from '../../../errors.ts';

export interface ForgeOptions {
  /** An address with `{repo}`, and where wanted `{service}`, which are filled in. */
  readonly url: string;
  /** Milliseconds until it must have answered. */
  readonly timeout: number;
}

export interface Question {
  /** As the client asks for it. */
  readonly repository: string;
  /** The client's header, passed on. */
  readonly authorization: string | undefined;
  /** Its address, where that says something. */
  readonly client: string | undefined;
}

export interface ForgeAnswer {
  readonly status: number;
  /** Where the repository lies on disk; undefined where its name says it. */
  readonly repository: string | undefined;
  readonly subject: string | undefined;
}

const SERVICE = 'git-upload-pack';
/** More questions than these wait for those before them, within their time. */
const MOST_CONNECTIONS = 64;
const LONGEST_BODY = 65_536;

export class Forge {
  readonly #options: ForgeOptions;
  readonly #client: typeof http | typeof https;
  readonly #agent: http.Agent;

  constructor(options: ForgeOptions) {
    this.#options = options;
    this.#client = options.url.startsWith('https:') ? https : http;
    this.#agent = new this.#client.Agent({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  }

  /** @throws PackhorseError `PACKHORSE_AUTHORIZATION_UNAVAILABLE` when no answer comes in time, or one that is no HTTP */
  async ask({ repository, authorization, client }: Question): Promise<ForgeAnswer> {
    const request = this.#client.request(fillIn(this.#options.url, repository), {
      agent: this.#agent,
      signal: AbortSignal.timeout(this.#options.timeout),
      headers: {
        'User-Agent': 'packhorse',
        // A forge that is asked at its own git door says a few lines then, in place of all refs.
        'Git-Protocol': 'version=2',
        ...(authorization !== undefined && { Authorization: authorization }),
        ...(client !== undefined && { 'X-Forwarded-For': client }),
      },
    });
    request.end();
    try {
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      request.on('error', () => {});
      drop(response);
      const { statusCode = 0, headers } = response;
      return {
        status: statusCode,
        repository: textOf(headers['x-packhorse-repository']),
        subject: textOf(headers['x-packhorse-subject']),
      };
    } catch (error) {
      const { name, code } = error as NodeJS.ErrnoException;
      const why = name === 'AbortError' ? `no answer within ${this.#options.timeout} ms` : code;
      throw authorizationUnavailable(`the forge cannot be asked: ${why}`);
    }
  }
}

/** A body is not looked at. A short one is read, so that the connection can be used again. */
function drop(response: http.IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => {});
  response.on('data', (data: Buffer) => {
    bytes += data.length;
    if (bytes > LONGEST_BODY) response.destroy();
  });
}

export function fillIn(template: string, repository: string): string {
  const encoded = repository.split('/').map(encodeURIComponent).join('/');
  return template.replaceAll('{repo}', () => encoded).replaceAll('{service}', SERVICE);
}

/** Node.js takes each byte of a header for a character; a forge writes UTF-8. */
function textOf(header: string | readonly string[] | undefined): string | undefined {
  return header === undefined ? undefined : Buffer.from([header].flat().join(), 'latin1').toString('utf8');
}
