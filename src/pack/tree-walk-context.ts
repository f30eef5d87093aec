/** What every walk of trees is given. */
import type { ObjectReader } from '../repository/object-reader.ts';
import type { FilterPlan } from './filter-plan.ts';
import type { Marks } from './marks.ts';
import type { NumberCache } from './number-cache.ts';
import type { Pace } from './pace.ts';
import type { OnMissing } from './promised-objects.ts';

export interface TreeWalkContext {
  readonly objects: ObjectReader;
  readonly marks: Marks;
  readonly numbers: NumberCache;
  readonly pace: Pace;
  /** Called now and then with the number of trees and blobs found so far. */
  readonly seen: (objects: number) => void;
  /** What it leaves out by type, other than trees that blobs are looked for in, or by path is not marked. */
  readonly filter: FilterPlan;
  /** Called for what is not there; what it lets pass gets no mark. */
  readonly missing: OnMissing;
}
