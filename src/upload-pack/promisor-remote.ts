/** Promisor remotes, from which clients may fetch what is not sent (protocol section 1.8). */
import { promisorRemotes } from '../repository/promisor-remotes.ts';
import type { Repository } from '../repository/repository.ts';

/** Fields that a configuration may have sent along, in git's order; as written on the wire. */
const FIELDS = ['partialCloneFilter', 'token'];

/** `name=<name>,url=<url>[,<field>=<value>]` for each, parted by `;`; undefined for none. */
export function advertisePromisors({ config }: Repository): string | undefined {
  if (!config.boolean('promisor.advertise', false)) return undefined;
  const named = (config.get('promisor.sendfields') ?? '').toLowerCase().split(/[\s,]+/);
  const sent = FIELDS.filter((field) => named.includes(field.toLowerCase()));
  const remotes: string[] = [];
  for (const name of promisorRemotes(config)) {
    const value = (field: string) => config.get(`remote.${name}.${field.toLowerCase()}`) ?? '';
    if (value('url') === '') continue;
    const fields = ['url', ...sent].map((field) => [field, value(field)]);
    const given = [['name', name], ...fields].filter(([, text]) => text !== '');
    remotes.push(given.map(([field, text]) => `${field}=${encode(text)}`).join(','));
  }
  return remotes.length > 0 ? remotes.join(';') : undefined;
}

/** @param reply names parted by `;`; one that is not known means nothing */
export function acceptsPromisor(reply: string, { config }: Repository): boolean {
  const names = promisorRemotes(config);
  return reply.split(';').some((name) => names.includes(decode(name)));
}

function encode(text: string): string {
  return text.replace(/[^!-~]|[,;%]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** What is not well encoded stands for itself. */
function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
