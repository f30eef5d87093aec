/** Forward authorization: the forge says who may fetch what, and where it lies. */
import { hash } from 'node:crypto';
import { authorizationUnavailable, notAllowed, unauthenticated } from '../../../errors.ts';
import { type Authorize, plainSubject } from '../access.ts';
import { AnswerCache } from './answer-cache.ts';
import { Forge, type ForgeAnswer, type ForgeOptions, type Question } from './forge.ts';
import { pathBelow } from './repository-path.ts';

export interface ForwardOptions extends ForgeOptions {
  /** Milliseconds for which what the forge has allowed holds. */
  readonly cache: number;
}

/** Milliseconds for which what it has refused holds: enough for clients that come all at once. */
const REFUSED = 1000;

/** @param roots the directory below which repositories are served, in all ways to write it */
export function forwardAuthorization(options: ForwardOptions, roots: readonly string[]): Authorize {
  const forge = new Forge(options);
  const lifetime = ({ status }: ForgeAnswer) =>
    status === 200 ? options.cache : Math.min(REFUSED, options.cache);
  const answers = new AnswerCache<ForgeAnswer>(lifetime);
  return async ({ repository, authorization, client }) => {
    const question = { repository, authorization, client };
    const answer = await answers.get(keyOf(question), async () => understood(await forge.ask(question)));
    if (answer.status === 200) {
      return { repository: placeOf(answer, repository, roots), subject: plainSubject(answer.subject) };
    }
    // Who has not said who they are might be allowed when they do, whatever is there or not.
    if (authorization === undefined || answer.status === 401) {
      throw unauthenticated(`the forge says ${answer.status}`);
    }
    throw notAllowed(repository);
  };
}

/** The header may be a password, so that it is not kept. */
function keyOf({ repository, authorization, client }: Question): string {
  return hash('sha256', JSON.stringify([repository, authorization, client]), 'base64');
}

function understood(answer: ForgeAnswer): ForgeAnswer {
  if ([200, 401, 403, 404].includes(answer.status)) return answer;
  throw authorizationUnavailable(`the forge answers with status ${answer.status}`);
}

function placeOf(answer: ForgeAnswer, asked: string, roots: readonly string[]): string {
  if (answer.repository === undefined) return asked;
  const place = pathBelow(answer.repository, roots);
  if (place !== undefined) return place;
  throw authorizationUnavailable(`X-Packhorse-Repository for ${asked} is no path below the root`);
}
