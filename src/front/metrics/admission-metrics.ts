/** Metrics of the lanes, and of the bytes on their way. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Admission } from '../admission/admission.ts';
import { LANES } from '../admission/lane.ts';
import { type Admitted, admissionGranted, admissionRefused, REFUSALS, type Refused } from '../events.ts';
import type { LimitController } from '../pressure/limit-controller.ts';
import { WATCHERS } from '../pressure/signals.ts';
import { addReadGauge } from './read-gauge.ts';

/** Seconds; most wait not at all. */
const WAITS = [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300];

/** Begins to listen; the function returned ends it. */
export function addAdmissionMetrics(
  registry: Registry,
  admission: Admission,
  backOffs: LimitController['backOffs'],
): () => void {
  const registers = [registry];
  const { lanes, streams } = admission;
  const ofLanes = (name: string, help: string, read: (lane: (typeof lanes)['light']) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['lane'],
      registers,
      collect() {
        for (const lane of LANES) this.set({ lane }, read(lanes[lane]));
      },
    });
  ofLanes('packhorse_admission_limit', 'Places of each lane, as they are now.', (lane) => lane.limit);
  ofLanes('packhorse_admission_in_progress', 'Places that are held.', (lane) => lane.running);
  ofLanes('packhorse_admission_queued', 'Requests that wait for a place.', (lane) => lane.queued);
  addReadGauge(
    registry,
    'packhorse_stream_inflight_limit_bytes',
    'Bytes that may be on their way to all clients.',
    () => streams.limit,
  );
  addReadGauge(
    registry,
    'packhorse_stream_window_bytes',
    'Bytes that may be on their way to each client now.',
    () => streams.window,
  );
  addReadGauge(
    registry,
    'packhorse_streams_stalled',
    'Streams that have given their place away while their client takes nothing.',
    () => streams.stalled,
  );
  const wait = new Histogram({
    name: 'packhorse_admission_wait_seconds',
    help: 'Time that requests waited for a place.',
    labelNames: ['lane'],
    buckets: WAITS,
    registers,
  });
  const rejected = new Counter({
    name: 'packhorse_admission_rejected_total',
    help: 'Requests turned away, by lane and why: at the door, at a full queue, or after the longest wait.',
    labelNames: ['lane', 'reason'],
    registers,
  });
  new Counter({
    name: 'packhorse_admission_backoff_events_total',
    help: 'Times that limits were lowered, by what asked for it.',
    labelNames: ['watcher'],
    registers,
    collect() {
      this.reset();
      for (const watcher of WATCHERS) this.inc({ watcher }, backOffs[watcher]);
    },
  });
  for (const lane of LANES) for (const reason of REFUSALS) rejected.inc({ lane, reason }, 0);
  const granted = (published: unknown) => {
    const { lane, seconds } = published as Admitted;
    wait.observe({ lane }, seconds);
  };
  const refused = (published: unknown) => {
    const { lane, reason } = published as Refused;
    rejected.inc({ lane, reason });
  };
  admissionGranted.subscribe(granted);
  admissionRefused.subscribe(refused);
  return () => {
    admissionGranted.unsubscribe(granted);
    admissionRefused.unsubscribe(refused);
  };
}
