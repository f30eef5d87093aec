/**
 * Errors are values with a code. Each says what the log gets (`message`), what the client gets (`client`)
 * and, when no byte of a response has left, which HTTP status goes with it. They cross threads as plain
 * objects: {@link errorToWire} and {@link errorFromWire}.
 */
export const ERROR_STATUS = {
  /** No repository at that path, or one that must not be served. */
  PACKHORSE_REPOSITORY_NOT_FOUND: 404,
  /** It was not said, or not so that it could be believed, who asks. */
  PACKHORSE_UNAUTHENTICATED: 401,
  /** Who asks may not have this repository. No client is told it from one that is absent. */
  PACKHORSE_NOT_ALLOWED: 404,
  /** What says who may fetch does not answer, or cannot be understood. */
  PACKHORSE_AUTHORIZATION_UNAVAILABLE: 503,
  /** The repository's configuration does not allow it at this door. */
  PACKHORSE_SERVICE_DISABLED: 403,
  /** There is no such file in the repository. */
  PACKHORSE_FILE_NOT_FOUND: 404,
  /** The repository is there but its format is not understood. */
  PACKHORSE_REPOSITORY_UNSUPPORTED: 200,
  /** A file of the repository is damaged. */
  PACKHORSE_REPOSITORY_CORRUPT: 200,
  /** An object that the response needs is not there. */
  PACKHORSE_OBJECT_MISSING: 200,
  /** What a filter stands on cannot be read. */
  PACKHORSE_FILTER_UNREADABLE: 200,
  /** The client asked for an object that it may not have, or that is not there. */
  PACKHORSE_NOT_OUR_REF: 200,
  /** The request breaks the protocol. */
  PACKHORSE_PROTOCOL: 200,
  /** The client ended in the middle of its request. */
  PACKHORSE_HUNG_UP: 200,
  /** The request body is larger than the limit. */
  PACKHORSE_REQUEST_TOO_LARGE: 413,
  /** The request body cannot be decoded (gzip). */
  PACKHORSE_REQUEST_ENCODING: 400,
  /** There is more to do than can be done now. */
  PACKHORSE_BUSY: 429,
  /** The client went away. */
  PACKHORSE_CANCELLED: 499,
  /** It was the client's turn to speak, and it said nothing for too long. */
  PACKHORSE_IDLE: 408,
  /** The client took too long to say what it wants and has. */
  PACKHORSE_NEGOTIATION_TIMEOUT: 408,
  /** The client took no byte for too long. */
  PACKHORSE_STALLED: 499,
  /** The service is about to end, and takes nothing new. */
  PACKHORSE_DRAINING: 503,
  /** The service ended before the answer did. */
  PACKHORSE_STOPPED: 503,
  /** A defect of Packhorse. */
  PACKHORSE_INTERNAL: 500,
  /** The machine does not do its part: a disk that fails or is full, no descriptors left. */
  PACKHORSE_IO: 200,
  /** Another process has the cache directory. No client is told. */
  PACKHORSE_CACHE_HELD: 500,
  /** The worker that had the request is gone. */
  PACKHORSE_WORKER_LOST: 500,
  /** Nothing new is taken for now. */
  PACKHORSE_NOT_READY: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** An error with a stable code. `status` is the HTTP status used when nothing has been sent yet; 200 means: answer in the protocol (`ERR` line). */
export class PackhorseError extends Error {
  readonly code: ErrorCode;
  /** What the client is told, in an `ERR` line, on band 3 or as a text body. */
  readonly client: string;
  readonly status: number;
  /** Seconds after which it may be tried again; undefined where that is no matter of time. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { client?: string; cause?: unknown; retryAfter?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PackhorseError';
    this.code = code;
    this.client = options.client ?? message;
    this.status = ERROR_STATUS[code];
    this.retryAfter = options.retryAfter;
  }
}

const REPOSITORY_NOT_FOUND = 'repository not found';

export function repositoryNotFound(path: string): PackhorseError {
  return new PackhorseError(
    'PACKHORSE_REPOSITORY_NOT_FOUND',
    `'${path}' does not appear to be a git repository`,
    { client: REPOSITORY_NOT_FOUND },
  );
}

/** For the client it is not there. */
export function repositoryNotExported(path: string): PackhorseError {
  return new PackhorseError('PACKHORSE_REPOSITORY_NOT_FOUND', `repository not exported: ${path}`, {
    client: REPOSITORY_NOT_FOUND,
  });
}

/** @param why for the log; it names no secret */
export function unauthenticated(why: string): PackhorseError {
  return new PackhorseError('PACKHORSE_UNAUTHENTICATED', why, { client: 'authentication required' });
}

/** For the client it is not there. */
export function notAllowed(path: string): PackhorseError {
  return new PackhorseError('PACKHORSE_NOT_ALLOWED', `not allowed: ${path}`, {
    client: REPOSITORY_NOT_FOUND,
  });
}

/**
 * @param why for the log; it names no secret
 * @param retryAfter seconds
 */
export function authorizationUnavailable(why: string, retryAfter = 5): PackhorseError {
  return new PackhorseError('PACKHORSE_AUTHORIZATION_UNAVAILABLE', why, {
    client: `it cannot be found out who may fetch; try again in ${retryAfter} s`,
    retryAfter,
  });
}

/** @param refusal of a client that was let in before, on the same connection */
export function notAllowedAnyMore({ code, message }: PackhorseError): PackhorseError {
  return new PackhorseError(code, message, {
    client: 'you may not fetch on this connection any more; connect again',
  });
}

export function fileNotFound(name: string): PackhorseError {
  return new PackhorseError('PACKHORSE_FILE_NOT_FOUND', `no ${name} here`, { client: 'not found' });
}

export function serviceDisabled(key: string): PackhorseError {
  return new PackhorseError('PACKHORSE_SERVICE_DISABLED', `${key} is false`, {
    client: 'service not enabled',
  });
}

/** @param detail what only the log gets, such as a path */
export function repositoryUnsupported(why: string, detail?: string): PackhorseError {
  const message = detail === undefined ? why : `${why}: ${detail}`;
  return new PackhorseError('PACKHORSE_REPOSITORY_UNSUPPORTED', message, { client: why });
}

export function repositoryCorrupt(what: string, cause?: unknown): PackhorseError {
  return new PackhorseError('PACKHORSE_REPOSITORY_CORRUPT', what, { cause });
}

export function objectMissing(oid: string, why?: string): PackhorseError {
  return new PackhorseError(
    'PACKHORSE_OBJECT_MISSING',
    why ? `unable to read ${oid}: ${why}` : `unable to read ${oid}`,
  );
}

/** Whether an error is a call to the system that failed, as Node.js throws it. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== undefined;
}

/** Whether an error says nothing of what is on the disk, but that it cannot be had now. */
export function isIoError(error: unknown): boolean {
  return error instanceof PackhorseError ? error.code === 'PACKHORSE_IO' : isSystemError(error);
}

/** @param what could not be done */
export function ioError(what: string, cause: NodeJS.ErrnoException): PackhorseError {
  return new PackhorseError('PACKHORSE_IO', `${what}: ${cause.message}`, {
    client: `${what}: ${reasonOf(cause)}`,
    cause,
  });
}

/** @param why a byte string (latin1), as it quotes what the client has said */
export function filterUnreadable(why: string): PackhorseError {
  return new PackhorseError('PACKHORSE_FILTER_UNREADABLE', Buffer.from(why, 'latin1').toString());
}

export function notOurRef(oid: string): PackhorseError {
  return new PackhorseError('PACKHORSE_NOT_OUR_REF', `upload-pack: not our ref ${oid}`);
}

export function unknownRef(name: string): PackhorseError {
  return new PackhorseError('PACKHORSE_NOT_OUR_REF', `unknown ref ${name}`);
}

/** @param message a byte string (latin1), as it quotes what the client has said */
export function protocolError(message: string): PackhorseError {
  return new PackhorseError('PACKHORSE_PROTOCOL', Buffer.from(message, 'latin1').toString());
}

/**
 * @param why for the log, and for people
 * @param retryAfter seconds
 */
export function busy(why: string, retryAfter: number): PackhorseError {
  return new PackhorseError('PACKHORSE_BUSY', why, {
    client: `the server is busy (${why}); try again in ${retryAfter} s`,
    retryAfter,
  });
}

/** In git's words. */
export function hungUp(): PackhorseError {
  return new PackhorseError('PACKHORSE_HUNG_UP', 'the remote end hung up unexpectedly');
}

export function cancelled(): PackhorseError {
  return new PackhorseError('PACKHORSE_CANCELLED', 'the client went away');
}

/** How a worker was lost: it crashed, its heap was full, or it gave no sign of life. */
export const LOSSES = ['crash', 'memory', 'hang'] as const;
export type Loss = (typeof LOSSES)[number];

const LOSS_TEXTS: Readonly<Record<Loss, string>> = {
  crash: 'a worker of the server crashed',
  memory: 'a worker of the server ran out of memory',
  hang: 'a worker of the server did not go on',
};

/** @param cause what the thread died of, where that is known */
export function workerLost(loss: Loss, cause?: Error): PackhorseError {
  const text = LOSS_TEXTS[loss];
  return new PackhorseError('PACKHORSE_WORKER_LOST', cause ? `${text}: ${cause.message}` : text, {
    client: `${text}; try again`,
    cause,
    retryAfter: 1,
  });
}

/** @param retryAfter seconds */
export function notReady(why: string, retryAfter: number): PackhorseError {
  return new PackhorseError('PACKHORSE_NOT_READY', why, {
    client: `the server is not ready; try again in ${retryAfter} s`,
    retryAfter,
  });
}

export function clientIdle(): PackhorseError {
  return new PackhorseError('PACKHORSE_IDLE', 'the client was silent for too long');
}

export function negotiationTimeout(): PackhorseError {
  return new PackhorseError('PACKHORSE_NEGOTIATION_TIMEOUT', 'the negotiation took too long');
}

export function stalled(): PackhorseError {
  return new PackhorseError('PACKHORSE_STALLED', 'the client took nothing for too long');
}

export function draining(): PackhorseError {
  return new PackhorseError('PACKHORSE_DRAINING', 'the server is shutting down');
}

export function stopped(): PackhorseError {
  return new PackhorseError('PACKHORSE_STOPPED', 'the server is shutting down and could wait no longer');
}

/** Why something failed, fit for a client: a system error's message names files of this machine, its code does not. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof PackhorseError) return cause.client;
  if (isSystemError(cause)) return `${cause.syscall} failed: ${cause.code}`;
  return cause instanceof Error ? cause.message : String(cause);
}

/** An error as it crosses a thread. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly client: string;
  readonly retryAfter?: number | undefined;
  readonly stack?: string | undefined;
}

/** Any thrown value as a {@link PackhorseError}: a call to the system that failed, or else a defect. */
export function asPackhorseError(error: unknown): PackhorseError {
  if (error instanceof PackhorseError) return error;
  if (isSystemError(error)) return ioError('a file of the server cannot be read or written', error);
  const message = error instanceof Error ? error.message : String(error);
  return new PackhorseError('PACKHORSE_INTERNAL', message, { client: 'internal error', cause: error });
}

export function errorToWire(error: unknown): WireError {
  const known = asPackhorseError(error);
  const origin = known.cause instanceof Error ? known.cause : known;
  const stack = known.code === 'PACKHORSE_INTERNAL' ? origin.stack : undefined;
  return {
    code: known.code,
    message: known.message,
    client: known.client,
    retryAfter: known.retryAfter,
    stack,
  };
}

export function errorFromWire(wire: WireError): PackhorseError {
  const error = new PackhorseError(wire.code, wire.message, {
    client: wire.client,
    retryAfter: wire.retryAfter,
  });
  if (wire.stack) error.stack = wire.stack;
  return error;
}
