/** The name of a conversation, by which the traces of client and server are brought together (protocol section 1.8). */
import { randomUUID } from 'node:crypto';
import type { Repository } from '../repository/repository.ts';

/** Another one for each advertisement; undefined where none is to be advertised. */
export function advertiseSessionId({ config }: Repository): string | undefined {
  return config.boolean('transfer.advertisesid', false) ? randomUUID() : undefined;
}
