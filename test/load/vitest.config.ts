/** The long form of the load proof: one scenario after the other, so that what is measured is theirs alone. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/load/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    hookTimeout: 120_000,
    env: { NODE_DISABLE_COMPILE_CACHE: '1', PACKHORSE_LOAD_FORM: 'long' },
  },
});
