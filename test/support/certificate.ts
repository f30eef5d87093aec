/** A certificate of our own for 127.0.0.1, made by openssl. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { temporaryDirectory } from './directory.ts';

export interface Certificate {
  /** Files, PEM. */
  readonly key: string;
  readonly cert: string;
}

export function makeCertificate(): Certificate {
  const directory = temporaryDirectory();
  const key = path.join(directory, 'key.pem');
  const cert = path.join(directory, 'cert.pem');
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', cert, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files, ...subject], { stdio: 'ignore' });
  return { key, cert };
}
