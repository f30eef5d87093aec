/** What authorization is asked, and what it says. */
import type { Socket } from 'node:net';
import { plainText } from '../plain-text.ts';

export interface AccessRequest {
  /** Path of the repository below the root, as the client asks for it, decoded. */
  readonly repository: string;
  /** The value of `Authorization`. */
  readonly authorization: string | undefined;
  /** Address of the client; undefined where it says nothing. */
  readonly client: string | undefined;
  /** Over TLS it may have a certificate of the client's. */
  readonly socket: Socket;
}

export interface Grant {
  /** Path below the root at which the repository is looked for. */
  readonly repository: string;
  /** Who asks; undefined where that is not known. */
  readonly subject: string | undefined;
}

/**
 * Resolves when the repository may be fetched, or looked for at least. It never looks whether there is one, so that its
 * answers and the time that they take say nothing of that.
 * @throws PackhorseError `PACKHORSE_UNAUTHENTICATED`, `PACKHORSE_NOT_ALLOWED`, `PACKHORSE_AUTHORIZATION_UNAVAILABLE`
 */
export type Authorize = (request: AccessRequest) => Promise<Grant>;

/** What a client is told that has not said who it is, or not so that it is believed. */
export const CHALLENGE: Readonly<Record<string, string>> = {
  'WWW-Authenticate': 'Basic realm="Packhorse", charset="UTF-8"',
};

/** Characters of a subject, which goes into every line of the log. */
const LONGEST_SUBJECT = 256;

/** A subject as it may be logged; undefined for none. */
export function plainSubject(text: string | undefined): string | undefined {
  return (text && plainText(text, LONGEST_SUBJECT)) || undefined;
}

/** Under which name a client is counted: its subject's, else its address. */
export function clientName(subject: string | undefined, address: string | undefined): string | undefined {
  return subject === undefined ? address : `subject ${subject}`;
}
