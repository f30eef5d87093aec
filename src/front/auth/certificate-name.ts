/** Who a client is by the certificate that it has shown (`--tls-client-ca`). */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { plainSubject } from './access.ts';

/** The common name of its subject, else its alternative names; undefined where it has neither. */
export function certificateName(socket: Socket): string | undefined {
  if (!('getPeerCertificate' in socket)) return undefined;
  const { subject, subjectaltname } = (socket as TLSSocket).getPeerCertificate();
  return plainSubject([subject?.CN ?? []].flat().at(-1) ?? subjectaltname);
}
