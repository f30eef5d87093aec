import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/sizes.ts'],
    // Real clients and servers on two cores: generous, and no test depends on how long something takes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Most of them wait for others most of the time. The default on two cores is one.
    maxWorkers: 2,
    // What is run keeps nothing in the home directory.
    env: { NODE_DISABLE_COMPILE_CACHE: '1' },
  },
});
