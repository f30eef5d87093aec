/** Packs that were made once and are sent many times: from files, or from what is being made right now. */
import type { PlaceRequest } from '../../channel/messages.ts';
import type { Framing } from '../../protocol/sideband.ts';
import type { StreamHead, StreamReader, StreamWriter } from '../../store/streams/stream.ts';
import type { Place } from '../admission/place.ts';
import type { RunningTask } from '../pool.ts';
import { Build, type Follower } from './build.ts';

export const CACHE_RESULTS = ['hit', 'follow', 'miss', 'bypass'] as const;
/** How a request for a pack was answered; `bypass`: it has no name, or no file could be had. */
export type CacheResult = (typeof CACHE_RESULTS)[number];

/** Files of packs. */
export interface Streams {
  find(key: string): Promise<StreamReader | undefined>;
  /** What others may have made, which takes longer. Never rejects for their sake. */
  fetch?(key: string): Promise<StreamReader | undefined>;
  create(head: StreamHead): Promise<StreamWriter | undefined>;
}

export interface StreamCacheOptions {
  readonly streams: Streams;
  /** The directory below which repositories are served: its real path. */
  readonly root: string;
  /** Told of each request; whether its pack, if it has to be made, is to be kept. */
  readonly asked: (key: string) => boolean;
  /** Bytes that the maker of a pack may have on their way. */
  readonly window: () => number;
}

/** One who asks for a pack. */
export interface PackRequest {
  readonly place: PlaceRequest;
  readonly key: string;
  readonly repository: string;
  readonly framing: Framing;
  /** The client's own, handed over with the request to make the pack; not touched where there is nothing to make. */
  readonly takePlace: () => Place;
  /** The task that waits for a place. */
  readonly source: RunningTask;
}

/** A client that was told where its pack comes from. */
export interface Asker extends Follower {
  /** Called before anything else. */
  answered(result: CacheResult): void;
  /** Whether it has gone. */
  readonly isGone: boolean;
}

export class StreamCache {
  readonly #options: StreamCacheOptions;
  /** The last one begun for each key. */
  readonly #builds = new Map<string, Build>();

  constructor(options: StreamCacheOptions) {
    this.#options = options;
  }

  /** @returns the build whose pack it gets, if it does not come from a file that is whole */
  async ask(request: PackRequest, asker: Asker): Promise<Build | undefined> {
    const { key } = request;
    const isWorthIt = this.#options.asked(key);
    await this.#builds.get(key)?.finishing;
    const found = await this.#find(key);
    if (asker.isGone) {
      found?.close();
      return undefined;
    }
    if (found) {
      asker.answered('hit');
      asker.begun();
      asker.read(found);
      return undefined;
    }
    const running = this.#builds.get(key);
    asker.answered('follow');
    if (running?.isOpen && running.join(asker)) {
      running.keep(() => this.#create(request));
      return running;
    }
    asker.answered('miss');
    const build = this.#newBuild(request, asker);
    if (isWorthIt) build.keep(() => this.#create(request));
    build.enter();
    return build;
  }

  /** Others are asked for what is not being made here already. */
  async #find(key: string): Promise<StreamReader | undefined> {
    const { streams } = this.#options;
    const found = await streams.find(key);
    return found || this.#builds.get(key)?.isOpen ? found : streams.fetch?.(key);
  }

  #newBuild({ key, place, framing, takePlace, source }: PackRequest, asker: Asker): Build {
    const build: Build = new Build(asker, {
      place: takePlace(),
      lane: place.lane,
      source,
      framing,
      window: this.#options.window,
      onEnd: () => {
        if (this.#builds.get(key) === build) this.#builds.delete(key);
      },
    });
    this.#builds.set(key, build);
    return build;
  }

  #create({ key, repository, place }: PackRequest): Promise<StreamWriter | undefined> {
    const { streams, root } = this.#options;
    const { kind, directory } = place;
    return streams.create({ key, repository, place: { root, directory }, kind, created: Date.now() });
  }
}
