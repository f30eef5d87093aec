/** Bundles as a client of the service sees them. */
import { cloneRequest, post } from './raw-client.ts';
import { decodePackets, v2Request } from './requests.ts';
import type { LogLine, RunningService } from './service.ts';

/** What is logged of a bundle. */
export type BundleLine = LogLine & {
  readonly kind: string;
  readonly objects: number;
  readonly bytes: number;
};

/** Clones so often, without keeping anything, and waits for the bundle that is made then. */
export async function cloneUntilBundled(
  service: RunningService,
  source: string,
  name: string,
  clones: number,
): Promise<BundleLine> {
  const before = service.log.length;
  for (let n = 0; n < clones; n++) await post(service, name, cloneRequest(source));
  const isNew = (line: LogLine) => service.log.indexOf(line) >= before;
  const isSaid = ({ msg, repository }: LogLine) => msg === 'bundle built' && repository === name;
  return (await service.logged((line) => isNew(line) && isSaid(line))) as BundleLine;
}

/** The paths of the bundles that a repository's clients are told of, below the service's address. */
export async function bundlePaths(service: RunningService, name: string): Promise<string[]> {
  const { body } = await post(service, name, v2Request('bundle-uri', []));
  const uris = decodePackets(body).flatMap(({ text }) => /^bundle\.\w+\.uri=(.*)/.exec(text)?.[1] ?? []);
  return uris.map((uri) => `/${name}/${uri}`);
}
