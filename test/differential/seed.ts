/** What decides the cases of the differential proof. */

/** The seed of everything that is made up. */
export function seedOfProof(): number {
  return Number(process.env.PACKHORSE_DIFFERENTIAL_SEED ?? 20_260_101);
}

/** Cases for each cell of the coverage table. */
export function runsOfProof(): number {
  return Number(process.env.PACKHORSE_DIFFERENTIAL_RUNS ?? 6);
}
