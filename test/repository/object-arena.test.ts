/** What is kept of objects that were read, and when its memory is used again. */
import { expect, test } from 'vitest';
import { ObjectArena } from '../../src/repository/object-arena.ts';
import { BLOB } from '../../src/repository/object-format.ts';

const MIB = 2 ** 20;
const SIZE = MIB / 8;

/** Keeps so many objects of a pack, each filled with its rank. */
function fill(arena: ObjectArena, pack: { life: { isOpen: boolean } }, objects: number): void {
  for (let rank = 0; rank < objects; rank++) {
    const room = arena.room(SIZE);
    room.memory.fill(rank, room.at, room.at + SIZE);
    arena.keep(pack, rank, BLOB, room, SIZE);
  }
}

const newPack = () => ({ life: { isOpen: true } });

test('the memory of packs that are closed is filled again before more is taken', () => {
  const arena = new ObjectArena(24 * MIB);
  const pack = newPack();
  fill(arena, pack, 32);
  const before = arena.memory;
  pack.life.isOpen = false;
  fill(arena, newPack(), 32);
  // What was begun with the first pack is filled up with the second.
  expect(arena.memory).toBeLessThanOrEqual(before + MIB);
});

test('what is kept of an open pack stays while there is room', () => {
  const arena = new ObjectArena(24 * MIB);
  const [first, second] = [newPack(), newPack()];
  fill(arena, first, 32);
  fill(arena, second, 32);
  for (const pack of [first, second]) {
    for (let rank = 0; rank < 32; rank++) {
      expect(arena.get(pack, rank)?.data.equals(Buffer.alloc(SIZE, rank))).toBe(true);
    }
  }
});

test('no more memory is taken than the budget allows', () => {
  const arena = new ObjectArena(8 * MIB);
  fill(arena, newPack(), 200);
  expect(arena.memory).toBe(8 * MIB);
});
