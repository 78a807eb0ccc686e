/** @module A short fuzz run: `node test/fuzz/run.ts` with a fixed seed. */
import { expect, it } from 'vitest';
import { startDevServer } from '../../worker/dev/child-server.ts';
import { runCampaign } from '../fuzz/campaign.ts';

it('answers 400 random requests as the OpenAPI document says, and holds nothing afterwards', async () => {
  await using server = await startDevServer();
  const { sent, counts, failures, held } = await runCampaign({ url: server.url, seed: 1, requests: 400 });
  expect(failures.kinds).toEqual([]);
  expect(held).toBeNull();
  expect(sent).toBe(400);
  const statuses = new Set([...counts.values()].flatMap((byStatus) => [...byStatus.keys()]));
  // Of everything some: successes, errors of all kinds, clients that left.
  expect([...statuses]).toEqual(expect.arrayContaining(['200', '400', '404', '405', '415', '422']));
}, 300_000);
