import { join } from 'node:path';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // By its name the package is what `npm pack` has built.
  resolve: { alias: { 'edgebeam/decoding': join(import.meta.dirname, 'decoding', 'index.ts') } },
  test: {
    globalSetup: 'test/support/global-setup.ts',
    // The Worker logs a line per request.
    silent: 'passed-only',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          environment: 'node',
          // Two files at a time, beside the other runs.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // Not a part of `npm test`: it installs packages in empty folders, for minutes.
          name: 'packages',
          include: ['test/packages/**/*.test.ts'],
          environment: 'node',
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          setupFiles: 'test/support/check-answers.ts',
          environment: 'node',
          globalSetup: 'test/support/clients-server.ts',
          // The files share a server and assert on its state.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'load',
          include: ['test/load/**/*.test.ts'],
          environment: 'node',
          // Each file saturates a server.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'page',
          include: ['test/page/**/*.test.ts'],
          environment: 'node',
          globalSetup: 'test/support/page-setup.ts',
          // The files share a server and assert on its state.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        plugins: [cloudflareTest({ wrangler: { configPath: 'test/workerd/wrangler.toml' } })],
        test: {
          name: 'workerd',
          // Compiling onnxruntime takes seconds, so all files share one isolate.
          isolate: false,
          maxWorkers: 1,
          include: ['test/workerd/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
