/** The client's side of a pump: what goes out to it, how that is framed, and what it holds of lanes and memory. */
import type { Writable } from 'node:stream';
import type { PlaceRequest } from '../channel/messages.ts';
import type { PackhorseError } from '../errors.ts';
import { Keepalive } from '../keepalive.ts';
import { encodeFailure } from '../protocol/failure.ts';
import { FLUSH } from '../protocol/pkt-line.ts';
import { encodeSideband, encodeSidebandFrame, type Framing } from '../protocol/sideband.ts';
import type { FetchKind } from '../upload-pack/statistics.ts';
import type { Admission } from './admission/admission.ts';
import type { Party } from './admission/party.ts';
import type { Place } from './admission/place.ts';
import type { LiveAnswer, LivePhase } from './live-answer.ts';
import { Outgoing } from './outgoing.ts';
import { Stalls } from './stalls.ts';

export interface ClientSideOptions {
  readonly stream: Writable;
  readonly admission: Admission;
  readonly party: Party;
  /** Called once, before the first byte. */
  readonly begin: () => void;
  /** Called instead where it is known before the first byte that there will be none. */
  readonly refuse: (error: PackhorseError) => void;
}

export class ClientSide implements LiveAnswer {
  readonly #options: ClientSideOptions;
  readonly #outgoing: Outgoing;
  #place: Place;
  #stalls: Stalls;
  #keepalive: Keepalive | undefined;
  #bands: Framing | null = null;
  /** Whether the client asked for bands before the pack as well. */
  #allInBands = false;
  /** Bytes that may be on their way, as whoever makes them was last told. */
  #window = 0;
  /** Whether it is the client's turn. */
  #isIdle = false;
  /** Whether it does not want to be told of progress. */
  #isSilent = false;
  #ahead = -1;
  #phase: LivePhase = 'queue';
  #kind: FetchKind = 'none';
  /** Bytes of the answers before this one. */
  #before = 0;

  constructor(options: ClientSideOptions) {
    const { stream, admission, party, begin } = options;
    this.#options = options;
    this.#outgoing = new Outgoing(stream, admission.streams, begin);
    this.#place = admission.place(party);
    this.#stalls = new Stalls(this.#place, admission.streams);
  }

  get isOpen(): boolean {
    return this.#outgoing.open;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#outgoing.bytes;
  }

  get phase(): LivePhase {
    return this.#phase;
  }

  get kind(): FetchKind {
    return this.#kind;
  }

  get ahead(): number {
    return this.#phase === 'queue' ? Math.max(0, this.#ahead) : 0;
  }

  get sent(): number {
    return this.#outgoing.bytes - this.#before;
  }

  get stalled(): number {
    return this.#outgoing.stalled;
  }

  get place(): Place {
    return this.#place;
  }

  get framing(): Framing {
    return this.#bands ?? 'none';
  }

  /** Whether more may be on its way. */
  get room(): boolean {
    return this.#outgoing.unsent < this.#options.admission.streams.window;
  }

  /** Bytes that may be on their way from now on. */
  takeWindow(): number {
    this.#window = this.#options.admission.streams.window;
    return this.#window;
  }

  /** @param all whether it is so for the whole answer, not for its pack alone */
  setBands(bands: Framing | null, all: boolean): void {
    this.#bands = bands;
    this.#allInBands = all;
  }

  /** The request is read, or the next one. */
  negotiates(): void {
    this.#phase = 'negotiate';
    this.#kind = 'none';
    this.#ahead = -1;
  }

  /** The pack is being made, or is there: the client hears of it. */
  makes(): void {
    this.#phase = 'count';
    this.release();
  }

  /** Another answer begins. */
  begins(): void {
    this.negotiates();
    this.#before = this.#outgoing.bytes;
    this.#outgoing.hold();
    this.setBands(null, false);
  }

  /** A pack is asked for: something is to be said while there is silence. */
  listens({ keepAlive, band, silent, kind }: PlaceRequest): void {
    this.#phase = 'queue';
    this.#kind = kind;
    this.#isSilent = silent;
    this.#ahead = -1;
    this.#keepalive = new Keepalive(keepAlive, () => {
      const hears = this.#bands !== null && this.#bands !== 'none';
      if (hears && this.#outgoing.unsent === 0) this.#outgoing.write(encodeSidebandFrame(band, ''));
    });
  }

  /** Lets go what was held back until it was known that the client is served. */
  release(): void {
    this.#outgoing.release();
    this.#look();
  }

  /** @param taken called when the client has the bytes, and whoever made them may go on */
  write(bytes: Uint8Array, taken: () => void = () => {}): void {
    if (this.#phase === 'count') this.#phase = 'bytes';
    this.#put(bytes, taken);
  }

  #put(bytes: Uint8Array, taken: () => void): void {
    this.#keepalive?.touch();
    this.#outgoing.write(bytes, () => this.#taken(taken));
    this.#look();
  }

  /** What is held back the client cannot take: that is no stall. */
  #look(): void {
    if (!this.#outgoing.holds) this.#stalls.look(this.#outgoing.unsent, this.#window);
  }

  /** Text on band 2, where there is one. */
  tell(text: string): void {
    this.#put(encodeSideband(2, text, this.framing), () => {});
  }

  progress(text: string): void {
    if (!this.#isSilent) this.tell(text);
  }

  /** So many are before it. */
  moved(ahead: number): void {
    // What the client has still to take tells no less that it is not forgotten, and would not be seen to stall.
    const hasAll = this.#outgoing.holds || this.#outgoing.unsent === 0;
    if (this.#isSilent || ahead === this.#ahead || !hasAll) return;
    this.#ahead = ahead;
    this.tell(`waiting, ${ahead} ahead\r`);
  }

  /** Ends a pack that someone else has made. */
  closePack(): void {
    if (this.framing !== 'none') this.write(FLUSH);
    this.#bands = null;
  }

  /** Does something for which a place is needed. */
  goOn(action: () => void): void {
    this.#isIdle = false;
    this.#place.goOn(action);
  }

  /** It is the client's turn. */
  rest(): void {
    this.#outgoing.release();
    this.#isIdle = true;
    this.#stalls.close();
    // What it still has to take is counted until it has.
    if (this.#outgoing.unsent === 0) this.#place.leave();
    else this.#place.rest();
  }

  /** The pack is read from a file, so that this client holds up no one. */
  readsFile(): void {
    this.#place.rest();
    this.takeWindow();
    this.#renewStalls(undefined);
  }

  /** Gives the place, and the memory that is counted for it, to whoever makes the pack. */
  handPlaceOver(): Place {
    const place = this.#place;
    this.#place = this.#options.admission.place(this.#options.party);
    return place;
  }

  /** What was taken by way of the place that was handed over is taken. */
  packEnded(): void {
    this.#renewStalls(this.#place);
  }

  /** A command has been answered. */
  answered(): void {
    this.#outgoing.release();
    this.#keepalive?.stop();
  }

  end(): void {
    if (this.#outgoing.open) this.#outgoing.end();
  }

  /** Tells the client why its answer ends here. */
  fail(why: PackhorseError): void {
    const outgoing = this.#outgoing;
    if (!outgoing.open) return;
    // Who is turned away gets nothing but that; other failures keep their place behind what was said.
    if (why.retryAfter !== undefined && !outgoing.hasSent) this.#takeBack();
    const isFirst = !outgoing.hasSent && !outgoing.holds;
    outgoing.release();
    if (isFirst && this.framing === 'none') this.#options.refuse(why);
    // Where there is no band to say it on, only a pack that is cut short tells.
    else if (this.#bands === 'none') this.#options.stream.destroy();
    else {
      outgoing.write(encodeFailure(why, this.#bands ?? undefined));
      outgoing.end();
    }
  }

  /** The stream has ended, or the client is gone. */
  close(): void {
    this.#outgoing.close();
    this.settle();
  }

  /** Gives back what is not needed any more: the place when all work is done, the memory when nothing is on its way. */
  settle(): void {
    this.#keepalive?.stop();
    this.#stalls.close();
    if (this.#outgoing.open) this.#place.rest();
    else this.#place.leave();
  }

  #renewStalls(place: Place | undefined): void {
    this.#stalls.close();
    this.#stalls = new Stalls(place, this.#options.admission.streams);
  }

  #takeBack(): void {
    this.#outgoing.discard();
    if (!this.#allInBands) this.#bands = null;
  }

  #taken(taken: () => void): void {
    this.#keepalive?.touch();
    if (this.#isIdle) {
      // Who waits for its client to speak does nothing with it.
      taken();
      if (this.#outgoing.unsent === 0) this.#place.leave();
      return;
    }
    this.#stalls.taken(() => {
      taken();
      // It may be too little to go on with.
      this.#stalls.look(this.#outgoing.unsent, this.#window);
    });
  }
}
