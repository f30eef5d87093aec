/** An upload-pack server for one repository, whatever the door and the version of the protocol. */
import path from 'node:path';
import { serviceDisabled } from '../errors.ts';
import type { Pace } from '../pack/pace.ts';
import { LineBudget } from '../protocol/line-budget.ts';
import type { PacketInput } from '../protocol/packet-input.ts';
import { readV2Request } from '../protocol/v2-request.ts';
import type { ProtocolVersion } from '../protocol/version.ts';
import { type OpenOptions, Repository } from '../repository/repository.ts';
import { RepositoryCaches } from '../repository/repository-caches.ts';
import type { BundleStore } from '../store/bundles/bundle-store.ts';
import type { EntryStore } from '../store/entries/entry-store.ts';
import type { OwnBitmaps } from '../store/own-bitmaps.ts';
import { advertiseRefs } from './advertise-refs.ts';
import { buildOwnBitmaps } from './bitmaps.ts';
import { BUNDLE_LIMITS, buildBundle } from './build-bundle.ts';
import { encodeAdvertisement, FIRST_TERMS, readHead } from './capabilities.ts';
import type { CommandContext, Terms } from './command.ts';
import { publishing } from './command-events.ts';
import { type DumbFile, sendDumbFile } from './dumb-files.ts';
import type { ResponseSink } from './response-sink.ts';
import { type BundleRequest, type SentFile, sendBundle } from './send-bundle.ts';
import type { Statistics } from './statistics.ts';
import { Stopwatch } from './stopwatch.ts';
import { answerV0, converseV0 } from './upload-pack-v0.ts';

export interface UploadPackOptions extends OpenOptions {
  /** Open packs and indexes that several servers of one thread share. */
  readonly caches?: RepositoryCaches;
  /** Where bitmaps of our own are: for repositories that have none themselves. */
  readonly ownBitmaps?: OwnBitmaps;
  /** Where bundles of our own are: for clients that can ask for what lies below the repository's address. */
  readonly bundles?: BundleStore;
  /** Where entries are kept that had to be made anew for a pack. */
  readonly entryStore?: EntryStore;
  /**
   * Whether packs are to be named for whoever keeps them, and below which directory alike on every machine; not by
   * default.
   */
  readonly namesPacks?: boolean | { readonly below: string };
  /** A key of the repository's configuration that forbids to serve where it is false. */
  readonly gate?: string | undefined;
  /** The span that all of it is done for (W3C Trace Context): told to those who listen. */
  readonly traceparent?: string | undefined;
}

/** Where an answer goes, and what is to be known of it. */
export interface Exchange {
  readonly sink: ResponseSink;
  readonly pace: Pace;
  /** Filled in as far as the work comes, also when it fails. */
  readonly statistics: Statistics;
}

/** A connection on which a client may ask several times. */
export interface Connection extends Omit<Exchange, 'statistics'> {
  readonly input: PacketInput;
  /** Called when a command begins; gives the statistics to fill in. */
  readonly begin: () => Statistics;
  /** Called when that command has been answered and another may come. */
  readonly answered: () => void;
}

/** All methods throw a PackhorseError, which the sink's owner tells the client. */
export class UploadPack {
  readonly #directory: string;
  readonly #caches: RepositoryCaches;
  readonly #options: UploadPackOptions;

  /** @param directory a bare repository, or one with `.git`; it is looked at anew for every request */
  constructor(directory: string, options: UploadPackOptions = {}) {
    this.#directory = path.resolve(directory);
    this.#caches = options.caches ?? new RepositoryCaches();
    this.#options = options;
  }

  /** The capabilities of protocol v2: pkt-lines from `version 2` to the flush. */
  capabilities(): Uint8Array {
    const repository = this.#open();
    try {
      return encodeAdvertisement(repository, this.#options.bundles);
    } finally {
      repository.close();
    }
  }

  /** Says what the repository offers, to a client that asks by requests of their own. */
  async advertise(version: ProtocolVersion, exchange: Exchange): Promise<void> {
    exchange.statistics.command = 'advertise';
    await this.#with(exchange, async (context) => {
      const { repository, bundles, sink } = context;
      if (version === 2) await sink.sendLines(encodeAdvertisement(repository, bundles));
      else await advertiseRefs(context, { version, stateless: true });
    });
  }

  /** Answers one request; there is nothing to answer where it is empty. */
  async answer(version: ProtocolVersion, input: PacketInput, exchange: Exchange): Promise<void> {
    if (version !== 2) return this.#with(exchange, (context) => answerV0(context, input));
    await this.#answerV2(input, () => exchange, FIRST_TERMS);
  }

  /** Advertises, then answers until the client ends. */
  async converse(version: ProtocolVersion, connection: Connection): Promise<void> {
    const { sink, pace, input, begin, answered } = connection;
    const next = () => ({ sink, pace, statistics: begin() });
    if (version !== 2) return this.#with(next(), (context) => converseV0(context, input, version), input);
    await this.advertise(version, next());
    let terms: Terms | undefined = FIRST_TERMS;
    while (terms) {
      answered();
      terms = await this.#answerV2(input, next, terms);
    }
  }

  /**
   * Sends a file of the dumb protocol.
   * @param name such as `info/refs`: its path below the git directory
   * @param onFile told of a file that is on disk as it is sent, before its bytes
   */
  async sendFile(name: string, exchange: Exchange, onFile: (file: DumbFile) => void): Promise<void> {
    exchange.statistics.command = 'file';
    await this.#with(exchange, (context) => sendDumbFile(context, name, onFile));
  }

  /**
   * Sends a bundle of our own, or a part of it.
   * @param onFile told of it before its bytes
   */
  async sendBundle(
    request: BundleRequest,
    exchange: Exchange,
    onFile: (file: SentFile) => void,
  ): Promise<void> {
    exchange.statistics.command = 'bundle';
    await this.#with(exchange, (context) => sendBundle(context, request, onFile));
  }

  /** Makes the next bundle where one is due. The statistics tell: `clone` for one of everything, `fetch` for more. */
  async buildBundle(exchange: Exchange, limits = BUNDLE_LIMITS): Promise<void> {
    await this.#with(exchange, (context) => buildBundle(context, limits));
  }

  /**
   * Builds bitmaps of our own where there are none that cover the packs as they are.
   * @returns how many bytes they take; undefined where there was nothing to do
   */
  async buildBitmaps(store: OwnBitmaps, pace: Pace): Promise<number | undefined> {
    const repository = this.#open();
    try {
      return await buildOwnBitmaps(repository, store, pace);
    } finally {
      repository.close();
    }
  }

  /** Closes the packs that were kept open. Where `caches` were given, they are closed for all their users. */
  close(): void {
    this.#caches.close();
  }

  /** @returns what holds for the next request on the connection; undefined where there was none */
  async #answerV2(input: PacketInput, begin: () => Exchange, before: Terms): Promise<Terms | undefined> {
    const budget = new LineBudget();
    try {
      const request = await readV2Request(input, budget);
      if (!request) return undefined;
      const exchange = begin();
      const answer = async (context: CommandContext) => {
        const { name, command, terms } = readHead(request, context, before);
        exchange.statistics.command = name;
        await command(context, request.args, terms);
        return terms;
      };
      return await this.#with(exchange, answer, input, budget);
    } finally {
      budget.release();
    }
  }

  #with<T>(
    exchange: Exchange,
    run: (context: CommandContext) => Promise<T>,
    input?: PacketInput,
    budget = new LineBudget(),
  ): Promise<T> {
    const { traceparent } = this.#options;
    const known = { directory: this.#directory, traceparent, statistics: exchange.statistics };
    return publishing(known, () => this.#run(exchange, run, input, budget));
  }

  async #run<T>(
    { sink, pace, statistics }: Exchange,
    run: (context: CommandContext) => Promise<T>,
    input: PacketInput | undefined,
    budget: LineBudget,
  ): Promise<T> {
    const repository = this.#open();
    const watch = new Stopwatch(statistics, input ? [sink, input] : [sink]);
    const { ownBitmaps, entryStore, bundles, namesPacks = false } = this.#options;
    try {
      return await run({
        repository,
        ownBitmaps,
        entryStore,
        bundles,
        namesPacks,
        sink,
        pace,
        statistics,
        watch,
        budget,
      });
    } finally {
      budget.release();
      watch.stop();
      statistics.ignored.push(...repository.indexProblems);
      repository.close();
    }
  }

  #open(): Repository {
    const { gate } = this.#options;
    const repository = Repository.open(this.#directory, this.#caches, this.#options);
    if (!gate || repository.config.boolean(gate, true)) return repository;
    repository.close();
    throw serviceDisabled(gate);
  }
}
