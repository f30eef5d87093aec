/** The token in an `Authorization` header. */

/**
 * A Bearer token, or the password of Basic, as git sends what its user or a helper has given: the name beside it is not
 * looked at.
 * @returns undefined where there is none
 */
export function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +([^\s,]+) *$/.exec(authorization ?? '') ?? [];
  if (/^bearer$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return (colon >= 0 && pair.slice(colon + 1)) || undefined;
}
