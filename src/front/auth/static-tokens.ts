/** Authorization by static tokens: whoever has one of them may fetch every repository. */
import { authorizationUnavailable, unauthenticated } from '../../errors.ts';
import type { Authorize } from './access.ts';
import { tokenIn } from './credentials.ts';
import { ReloadedFile } from './reloaded-file.ts';
import { nameOf, parseTokens } from './token-file.ts';

/** @param path of a token file, which is read again when it changes */
export function staticTokens(path: string): Authorize {
  const file = new ReloadedFile(path, (content) => parseTokens(content.toString()));
  return async ({ repository, authorization }) => {
    const token = tokenIn(authorization);
    if (token === undefined) throw unauthenticated('no token was sent');
    const tokens = await file.value().catch((error: Error) => {
      throw authorizationUnavailable(`the token file cannot be used: ${error.message}`);
    });
    const subject = nameOf(token, tokens);
    if (subject === undefined) throw unauthenticated('the token is not known');
    return { repository, subject };
  };
}
