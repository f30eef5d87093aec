/** Sends a bundle's file, or a part of it, to a client that may see what is in it. */
import { fileNotFound } from '../errors.ts';
import { type ByteRange, readByteRange } from '../protocol/byte-range.ts';
import { keptBundles } from '../store/bundles/bundle-list.ts';
import { areVisible, mayHaveOwnBundles } from './bundle-tips.ts';
import type { CommandContext } from './command.ts';
import type { DumbFile } from './dumb-files.ts';

export interface BundleRequest {
  readonly id: string;
  /** As the client wrote it; undefined: the whole is asked for. */
  readonly range: string | undefined;
  /** Whether only what there is to be said of the file is asked for. */
  readonly headOnly: boolean;
}

export interface SentFile extends DumbFile {
  /** What of it follows: null where the part that was asked for is not there; undefined for all of it. */
  readonly range?: ByteRange | null | undefined;
}

/**
 * @param onFile told of the file before its bytes
 * @throws PackhorseError `PACKHORSE_FILE_NOT_FOUND`
 */
export async function sendBundle(
  context: CommandContext,
  { id, range, headOnly }: BundleRequest,
  onFile: (file: SentFile) => void,
): Promise<void> {
  const { repository, bundles, sink, pace } = context;
  // A failure halfway can only be told by ending too early.
  await sink.openBands(new Uint8Array(), 'none');
  const list = mayHaveOwnBundles(repository) ? bundles?.list(repository) : undefined;
  const bundle = list && keptBundles(list, bundles!.now()).find((each) => each.id === id);
  const isSeen = bundle && (await areVisible(context, [bundle]));
  const opened = isSeen ? await bundles!.open(repository, bundle) : undefined;
  if (!opened) throw fileNotFound(`bundle ${id}`);
  bundles!.used(repository);
  const { file, bytes, modified } = opened;
  try {
    const part = readByteRange(range, bytes);
    onFile({ bytes, modified, range: part });
    if (headOnly || part === null) return;
    const { from, end } = part ?? { from: 0, end: bytes };
    for (let at = from; at < end; ) {
      const chunk = await sink.takeChunk();
      const { bytesRead } = await file.read(
        new Uint8Array(chunk),
        0,
        Math.min(chunk.byteLength, end - at),
        at,
      );
      if (bytesRead === 0) throw fileNotFound(`more of bundle ${id}`);
      await sink.sendChunk(chunk, bytesRead);
      at += bytesRead;
      pace.check();
    }
  } finally {
    await file.close();
  }
}
