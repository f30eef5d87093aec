/** Who may have work done, and who must wait or come again. Before any of this, nothing of a client is kept. */
import { busy, type PackhorseError } from '../../errors.ts';
import { admissionRefused, type Refused } from '../events.ts';
import type { StreamBudget } from '../stream-budget.ts';
import { LANES, Lane, type LaneName, type LaneOptions } from './lane.ts';
import type { Party } from './party.ts';
import { Place } from './place.ts';

export interface AdmissionOptions extends Omit<LaneOptions, 'most' | 'hasMemory'> {
  /** Places of each lane at most. */
  readonly limits: Readonly<Record<LaneName, number>>;
  /** Seconds that one waits at most; 0: any time. */
  readonly queueWait: number;
}

const PACK_LANES = ['clone', 'fetch'] as const;

/** Seconds; a git client that is told more gives up at once. */
const LONGEST_RETRY = 300;

export class Admission {
  readonly lanes: Readonly<Record<LaneName, Lane>>;
  readonly streams: StreamBudget;
  readonly queueWait: number;

  constructor({ limits, queueWait, ...options }: AdmissionOptions, streams: StreamBudget) {
    const lane = (name: LaneName) => {
      // Listings are short: what one repository or client may hold is limited where packs are made.
      const shares = name === 'light' ? { perRepository: 0, perClient: 0 } : {};
      const hasMemory = () => (name === 'light' ? streams.hasRoom : streams.hasRoomForPack);
      return new Lane({ ...options, ...shares, most: limits[name], hasMemory });
    };
    this.lanes = { light: lane('light'), fetch: lane('fetch'), clone: lane('clone') };
    this.streams = streams;
    this.queueWait = queueWait;
  }

  place(party: Party): Place {
    return new Place(this, party);
  }

  /** Why a client should not even begin; undefined when it may. */
  refusal(party: Party): PackhorseError | undefined {
    const full = this.#fullLane(party);
    if (!full) return undefined;
    admissionRefused.publish({ lane: full, reason: 'mark' } satisfies Refused);
    return busy(`${this.lanes[full].queued} are waiting`, this.retryAfter(full));
  }

  /** It is not known yet what the client will ask for: only what is full whichever that is, or full of its own, counts. */
  #fullLane(party: Party): LaneName | undefined {
    const { light, fetch, clone } = this.lanes;
    if (light.isFull(party)) return 'light';
    if (clone.isFull(party) && fetch.isFull(party)) return 'clone';
    return PACK_LANES.find((name) => this.lanes[name].isFullOf(party));
  }

  /** Seconds after which to come again: a guess, spread so that not all come at once. */
  retryAfter(lane: LaneName): number {
    const { delay } = this.lanes[lane];
    return Math.min(LONGEST_RETRY, Math.max(1, Math.round(delay * (1 + Math.random() / 2))));
  }

  /** Memory has become free: whoever waits for that goes on. */
  next(): void {
    for (const name of LANES) this.lanes[name].next();
  }
}
