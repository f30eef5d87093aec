/** How it is found out who may fetch what. */
import type { Authorize } from './access.ts';
import { certificateName } from './certificate-name.ts';
import { staticTokens } from './static-tokens.ts';

export type AuthOptions =
  /** Everyone may fetch everything. */
  { readonly mode: 'none' } | { readonly mode: 'token'; readonly tokenFile: string };

/** @param knowsCertificates whether clients have shown certificates, which name those whom nothing else does */
export function createAuthorize(options: AuthOptions, knowsCertificates: boolean): Authorize {
  const authorize = authorizeBy(options);
  if (!knowsCertificates) return authorize;
  return async (request) => {
    const { repository, subject } = await authorize(request);
    return { repository, subject: subject ?? certificateName(request.socket) };
  };
}

function authorizeBy(options: AuthOptions): Authorize {
  switch (options.mode) {
    case 'none':
      return async ({ repository }) => ({ repository, subject: undefined });
    case 'token':
      return staticTokens(options.tokenFile);
  }
}
