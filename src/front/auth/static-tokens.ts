/** Authorization by static tokens: whoever has one of them may fetch every repository. */
import type { Logger } from 'pino';
import { authorizationUnavailable, unauthenticated } from '../../errors.ts';
import type { Authorize } from './access.ts';
import { tokenIn } from './credentials.ts';
import { ReloadedFile } from './reloaded-file.ts';
import { nameOf, parseTokens } from './token-file.ts';

/** @param path of a token file, which is read again when it changes; that it has no token is warned of */
export function staticTokens(path: string, logger: Pick<Logger, 'warn'>): Authorize {
  let wasEmpty = false;
  const file = new ReloadedFile(path, (content) => {
    const tokens = parseTokens(content.toString());
    const isEmpty = tokens.length === 0;
    if (isEmpty && !wasEmpty)
      logger.warn({ tokenFile: path }, 'the token file has NO token: everyone is refused');
    wasEmpty = isEmpty;
    return tokens;
  });
  // What is wrong with it is told to whoever asks.
  file.value().catch(() => {});
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
