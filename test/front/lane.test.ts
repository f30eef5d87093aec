/** Who gets a place, and when. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Lane, type LaneOptions, type Waiting } from '../../src/front/admission/lane.ts';

const OPTIONS: LaneOptions = { most: 2, perRepository: 0, perClient: 0, queue: 8 };

/** Someone whose place is asked for at once. */
class Guest implements Waiting {
  readonly party;
  readonly begun: boolean;
  has = false;
  ahead = -1;

  constructor(lane: Lane, repository: string, client?: string, begun = false) {
    this.party = { repository, client };
    this.begun = begun;
    lane.enter(this);
  }

  readonly reserve = (): boolean => true;
  readonly granted = (): void => {
    this.has = true;
  };
  readonly moved = (ahead: number): void => {
    this.ahead = ahead;
  };

  leave(lane: Lane): void {
    if (this.has) lane.leave(this.party, 1);
    else lane.withdraw(this);
    this.has = false;
  }
}

function guests(lane: Lane, count: number, repository: string, client?: string): Guest[] {
  return Array.from({ length: count }, () => new Guest(lane, repository, client));
}

describe('a lane', () => {
  test('has so many places, and who comes later waits in the order of coming', () => {
    const lane = new Lane(OPTIONS);
    const all = guests(lane, 5, 'a');
    expect(all.map(({ has }) => has)).toEqual([true, true, false, false, false]);
    expect(all.slice(2).map(({ ahead }) => ahead)).toEqual([0, 1, 2]);
    expect([lane.running, lane.queued]).toEqual([2, 3]);
    all[0].leave(lane);
    expect(all.map(({ has }) => has)).toEqual([false, true, true, false, false]);
  });

  test('with fewer places than are held gives none until enough are given back', () => {
    const lane = new Lane({ ...OPTIONS, most: 4 });
    const all = guests(lane, 6, 'a');
    lane.limit = 2;
    expect(lane.running).toBe(4);
    for (const one of all.slice(0, 2)) one.leave(lane);
    expect(all[4].has).toBe(false);
    all[2].leave(lane);
    expect(all[4].has).toBe(true);
    lane.limit = 4;
    expect(all[5].has).toBe(true);
  });

  test('takes who goes on before who begins', () => {
    const lane = new Lane({ ...OPTIONS, most: 1 });
    const [first, begins] = guests(lane, 2, 'a');
    const goesOn = new Guest(lane, 'a', undefined, true);
    first.leave(lane);
    expect([begins.has, goesOn.has]).toEqual([false, true]);
  });

  test('passes over who finds no memory, and takes the next', () => {
    const lane = new Lane({ ...OPTIONS, most: 1 });
    const [first, second, third] = guests(lane, 3, 'a');
    Object.assign(second, { reserve: () => false });
    first.leave(lane);
    expect([second.has, third.has]).toEqual([false, true]);
  });
});

describe('one cannot starve the rest', () => {
  test.each([
    ['client', 'a', 'hog', 'a', 'other'],
    ['repository', 'hog', undefined, 'other', undefined],
    ['repository with many clients', 'hog', 'x', 'other', 'y'],
  ])('a %s that has much waiting lets another go first', (_, repository, client, otherRepository, other) => {
    const lane = new Lane({ ...OPTIONS, most: 1, queue: 100 });
    const [first] = guests(lane, 50, repository, client);
    const late = new Guest(lane, otherRepository, other);
    first.leave(lane);
    expect(late.has).toBe(true);
  });

  test('the last quarter of the queue is for those of whom no one waits', () => {
    const lane = new Lane({ ...OPTIONS, most: 1, queue: 8 });
    guests(lane, 7, 'hog', 'x');
    expect(lane.queued).toBe(6);
    expect(lane.isFull({ repository: 'hog', client: 'y' })).toBe(true);
    expect(lane.isFull({ repository: 'other', client: 'x' })).toBe(true);
    expect(lane.isFull({ repository: 'other', client: 'y' })).toBe(false);
    guests(lane, 2, 'other');
    expect(lane.isFull({ repository: 'third', client: undefined })).toBe(true);
  });

  test('no more places for one repository or client than are said', () => {
    const lane = new Lane({ ...OPTIONS, most: 8, perRepository: 3, perClient: 2, queue: 100 });
    const all = [...guests(lane, 5, 'a', 'x'), ...guests(lane, 5, 'a', 'y'), ...guests(lane, 5, 'b', 'z')];
    const held = all.filter(({ has }) => has).map(({ party }) => party.client);
    expect(held.sort()).toEqual(['x', 'x', 'y', 'z', 'z']);
    all[0].leave(lane);
    expect(all.slice(5, 10).filter(({ has }) => has).length).toBe(2);
  });

  test('without a queue, only who finds a place is let in', () => {
    const lane = new Lane({ ...OPTIONS, most: 1, queue: 0 });
    expect(lane.isFull({ repository: 'a', client: undefined })).toBe(false);
    guests(lane, 1, 'a');
    expect(lane.isFull({ repository: 'a', client: undefined })).toBe(true);
  });
});

test('whatever comes and goes, places are neither lost nor made', () => {
  const step = fc.record({
    kind: fc.constantFrom('enter', 'enter', 'leave', 'limit'),
    repository: fc.constantFrom('a', 'b', 'c'),
    client: fc.constantFrom('x', 'y', undefined),
    begun: fc.boolean(),
    n: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lane = new Lane({ most: 6, perRepository: 4, perClient: 3, queue: 100 });
      const inside: Guest[] = [];
      for (const { kind, repository, client, begun, n } of steps) {
        if (kind === 'enter') inside.push(new Guest(lane, repository, client, begun));
        else if (kind === 'limit') lane.limit = 1 + (n % 6);
        else if (inside.length > 0) inside.splice(n % inside.length, 1)[0].leave(lane);
        const held = inside.filter(({ has }) => has);
        expect(lane.running).toBe(held.length);
        expect(lane.queued).toBe(inside.length - held.length);
        for (const key of ['a', 'b', 'c']) {
          expect(held.filter(({ party }) => party.repository === key).length).toBeLessThanOrEqual(4);
        }
      }
      lane.limit = 6;
      // Who waits is served when the others leave.
      for (let turn = 0; inside.length > 0 && turn < 200; turn++) {
        const at = inside.findIndex(({ has }) => has);
        expect(at).toBeGreaterThanOrEqual(0);
        inside.splice(at, 1)[0].leave(lane);
      }
      expect([inside.length, lane.running, lane.queued]).toEqual([0, 0, 0]);
    }),
  );
});
