/** Metrics of bundles: what was made, what is kept, and what clients took. */
import { Counter, type Registry } from 'prom-client';
import type { SharedBundles } from '../../channel/shared-bundles.ts';
import { type BuiltBundle, bundleBuilt, type FetchRecord, fetchEnded } from '../events.ts';
import { addReadGauge } from './read-gauge.ts';

/**
 * Begins to listen; the function returned ends it.
 * @param bundles undefined: none are made
 */
export function addBundleMetrics(registry: Registry, bundles: SharedBundles | undefined): () => void {
  const registers = [registry];
  const read = (counter: BigInt64Array | undefined) => (counter ? Number(Atomics.load(counter, 0)) : 0);
  addReadGauge(registry, 'packhorse_bundle_bytes', 'Bytes of bundles on disk.', () =>
    read(bundles?.counts.held),
  );
  new Counter({
    name: 'packhorse_bundle_evictions_total',
    help: 'Bundles that left for want of room.',
    registers,
    collect() {
      this.reset();
      this.inc(read(bundles?.counts.evicted));
    },
  });
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
