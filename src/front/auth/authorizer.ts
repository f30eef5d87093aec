/** How it is found out who may fetch what. */
import type { Logger } from 'pino';
import type { Authorize } from './access.ts';
import { certificateName } from './certificate-name.ts';
import { type ForwardOptions, forwardAuthorization } from './forward/forward-authorization.ts';
import { type JwtOptions, jwtAuthorization } from './jwt/jwt-authorization.ts';
import { staticTokens } from './static-tokens.ts';

export type AuthOptions =
  /** Everyone may fetch everything. */
  | { readonly mode: 'none' }
  | { readonly mode: 'token'; readonly tokenFile: string }
  | ({ readonly mode: 'jwt' } & JwtOptions)
  | ({ readonly mode: 'forward' } & ForwardOptions);

export interface AuthorizeSettings {
  /** The directory below which repositories are served, in all ways to write it. */
  readonly roots: readonly string[];
  /** Whether clients have shown certificates, which name those whom nothing else does. */
  readonly knowsCertificates: boolean;
  readonly logger: Logger;
}

export function createAuthorize(options: AuthOptions, settings: AuthorizeSettings): Authorize {
  const authorize = authorizeBy(options, settings);
  if (!settings.knowsCertificates) return authorize;
  return async (request) => {
    const { repository, subject } = await authorize(request);
    return { repository, subject: subject ?? certificateName(request.socket) };
  };
}

function authorizeBy(options: AuthOptions, { roots, logger }: AuthorizeSettings): Authorize {
  switch (options.mode) {
    case 'none':
      return async ({ repository }) => ({ repository, subject: undefined });
    case 'token':
      return staticTokens(options.tokenFile, logger);
    case 'jwt':
      return jwtAuthorization(options);
    case 'forward':
      return forwardAuthorization(options, roots);
  }
}
