/** Metrics of bundles: what was made, and what clients took. */
import { Counter, type Registry } from 'prom-client';
import { type BuiltBundle, bundleBuilt, type FetchRecord, fetchEnded } from '../events.ts';

/** Begins to listen; the function returned ends it. */
export function addBundleMetrics(registry: Registry): () => void {
  const registers = [registry];
  const built = new Counter({
    name: 'packhorse_bundles_built_total',
    help: 'Bundles made: of everything, or of what has come since the one before.',
    labelNames: ['kind'],
    registers,
  });
  const served = new Counter({
    name: 'packhorse_bundle_served_bytes_total',
    help: 'Bytes of bundles that clients took.',
    registers,
  });
  for (const kind of ['full', 'incremental']) built.inc({ kind }, 0);
  const count = (published: unknown) => built.inc({ kind: (published as BuiltBundle).kind });
  const observe = (published: unknown) => {
    const { command, bytes } = published as FetchRecord;
    if (command === 'bundle') served.inc(bytes);
  };
  bundleBuilt.subscribe(count);
  fetchEnded.subscribe(observe);
  return () => {
    bundleBuilt.unsubscribe(count);
    fetchEnded.unsubscribe(observe);
  };
}
