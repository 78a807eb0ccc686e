import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CHECKPOINT } from '../../../../model-assets/ensure.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import type { Fault, RecordedRequest } from '../../../support/hub-exchange.ts';
import {
  FAST_RETRIES,
  fetchFrom,
  isDefaultModel,
  WEIGHT_BYTES,
  weightRequests,
} from '../../../support/hub-fetch.ts';
import { type HostedModel, startHubServer, TOKEN } from '../../../support/hub-server.ts';

const MODEL: HostedModel = { folder: DEFAULT_CHECKPOINT };

const startHub = (
  fault?: (request: RecordedRequest, previous: readonly RecordedRequest[]) => Fault | undefined,
) => startHubServer({ 'edgebeam/default': MODEL }, fault);

/** One fault for each of the first requests to the CDN. */
const startHubWithCdnFaults = (...faults: Fault[]) =>
  startHub(({ server }, previous) =>
    server === 'cdn' ? faults[previous.filter((request) => request.server === 'cdn').length] : undefined,
  );

const blobs = (cacheDir: string) => join(cacheDir, 'models--edgebeam--default', 'blobs');

/**
 * Each request starts where the received bytes end. When a connection breaks, bytes that `fetch` has received
 * but not yet delivered are lost: a few socket reads.
 */
function expectResumed(requests: readonly RecordedRequest[]): void {
  let end = 0;
  for (const { range, sent } of requests) {
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]);
    expect(start).toBeLessThanOrEqual(end);
    expect(start).toBeGreaterThan(end - 500_000);
    end = start + sent;
  }
  expect(end).toBe(WEIGHT_BYTES);
}

/** @returns the partial file of a broken download. */
async function partialFile(cacheDir: string): Promise<string | undefined> {
  const name = (await readdir(blobs(cacheDir))).find((blob) => blob.endsWith('.incomplete'));
  return name && join(blobs(cacheDir), name);
}

test('downloads the files that a conversion reads, each once', async () => {
  await using hub = await startHub();
  await using dir = await temporaryFolder();
  const { folder, id, commit, notices } = await fetchFrom(hub, dir.path);
  expect({ id, commit, notices }).toEqual({ id: 'edgebeam/default', commit: hub.commit, notices: [] });
  const names = ['config.json', 'generation_config.json', 'merges.txt', 'model.safetensors'];
  expect(await readdir(folder)).toEqual([...names, 'tokenizer_config.json', 'vocab.json']);
  for (const name of await readdir(folder)) {
    const expected = await readFile(join(DEFAULT_CHECKPOINT, name));
    expect((await readFile(join(folder, name))).equals(expected), name).toBe(true);
  }
  const resolved = hub.requests.filter(({ path }) => path.includes('/resolve/'));
  expect(resolved).toHaveLength(6);
  expect((await fetchFrom(hub, dir.path)).folder).toBe(folder);
  expect(hub.requests.filter(({ path }) => path.includes('/resolve/'))).toHaveLength(6);
});

test('concurrent runs do not interfere', async () => {
  await using hub = await startHub();
  await using dir = await temporaryFolder();
  const runs = [fetchFrom(hub, dir.path), fetchFrom(hub, dir.path), fetchFrom(hub, dir.path)];
  for (const { folder } of await Promise.all(runs)) expect(await isDefaultModel(folder)).toBe(true);
  expect(await partialFile(dir.path)).toBeUndefined();
});

describe('a broken connection', () => {
  test('is resumed', async () => {
    await using hub = await startHubWithCdnFaults({ breakAfter: 3_000_000 }, { breakAfter: 2_000_000 });
    await using dir = await temporaryFolder();
    const { folder, notices } = await fetchFrom(hub, dir.path);
    expect(await isDefaultModel(folder)).toBe(true);
    expect(weightRequests(hub)).toHaveLength(3);
    expectResumed(weightRequests(hub));
    expect(notices).toHaveLength(2);
    expect(notices[1]).toMatch(/^the connection to localhost:\d+ broke \(\w+\); retrying in 1 s \(1 of 3\)$/);
  });

  test('is retried a few times; the next run resumes', async () => {
    const faults: Fault[] = Array(4).fill({ breakAfter: 100_000 });
    await using hub = await startHubWithCdnFaults(...faults);
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(
      /broke \(\w+\); gave up after 4 attempts\. Run the command/,
    );
    expect(weightRequests(hub)).toHaveLength(4);
    const { size } = await stat(String(await partialFile(dir.path)));
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    expect(weightRequests(hub).at(-1)).toMatchObject({ range: `bytes=${size}-`, sent: WEIGHT_BYTES - size });
    expectResumed(weightRequests(hub));
    expect(await partialFile(dir.path)).toBeUndefined();
  });

  test('is retried without limit as long as the download progresses', async () => {
    const faults: Fault[] = Array(8).fill({ breakAfter: 1_500_000 });
    await using hub = await startHubWithCdnFaults(...faults);
    await using dir = await temporaryFolder();
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    expect(weightRequests(hub).length).toBeGreaterThan(8);
    expectResumed(weightRequests(hub));
  });

  test('includes one that receives no data', async () => {
    await using hub = await startHubWithCdnFaults({ breakAfter: 3_000_000, stall: true });
    await using dir = await temporaryFolder();
    const { folder, notices } = await fetchFrom(hub, dir.path, {
      retryPolicy: { ...FAST_RETRIES, idleTimeout: 500 },
    });
    expect(await isDefaultModel(folder)).toBe(true);
    expect(notices).toEqual(['model.safetensors: received no data for 0.5 s; retrying in 1 s (1 of 3)']);
    expectResumed(weightRequests(hub));
  });
});

describe('a server without ranges', () => {
  test('delivers the correct bytes', async () => {
    await using hub = await startHubWithCdnFaults({ breakAfter: 3_000_000 }, { ignoreRange: true });
    await using dir = await temporaryFolder();
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    expect(weightRequests(hub)).toMatchObject([
      { sent: 3_000_000 },
      { range: expect.any(String), sent: WEIGHT_BYTES },
    ]);
  });

  test('that always breaks at the same byte is given up', async () => {
    const faults: Fault[] = Array(9).fill({ ignoreRange: true, breakAfter: 3_000_000 });
    await using hub = await startHubWithCdnFaults(...faults);
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow('gave up after 4 attempts');
    expect(weightRequests(hub)).toHaveLength(4);
  });
});

describe('the received file', () => {
  test('is removed if its SHA-256 differs from the hub’s', async () => {
    await using hub = await startHubWithCdnFaults({ corrupt: true });
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(
      /^model\.safetensors does not have the SHA-256 that the hub lists, \w{64}\. It was removed; run the command again$/,
    );
    expect(await partialFile(dir.path)).toBeUndefined();
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
  });

  test('is checked against the Git SHA-1 if the hub lists no SHA-256', async () => {
    await using hub = await startHub(({ path }, previous) =>
      path.includes('resolve-cache') && !previous.some((request) => request.path === path)
        ? { corrupt: true }
        : undefined,
    );
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(/^config\.json does not have the Git SHA-1 that/);
  });

  test.for(['wrong bytes', 'too many bytes'])('may be left by an earlier run with %s', async (content) => {
    const faults: Fault[] = Array(4).fill({ breakAfter: 100_000 });
    await using hub = await startHubWithCdnFaults(...faults);
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow('gave up');
    const partial = String(await partialFile(dir.path));
    if (content === 'too many bytes') {
      await truncate(partial, WEIGHT_BYTES + 1);
      expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    } else {
      await writeFile(partial, 'something else');
      await expect(fetchFrom(hub, dir.path)).rejects.toThrow('does not have the SHA-256');
      expect(existsSync(partial)).toBe(false);
    }
  });

  test('is kept on abort and resumed by the next run', async () => {
    await using hub = await startHub();
    await using dir = await temporaryFolder();
    const stop = new AbortController();
    const reason = new Error('enough');
    const onProgress = (done: number) => done > 2_000_000 && stop.abort(reason);
    await expect(fetchFrom(hub, dir.path, { signal: stop.signal, onProgress })).rejects.toBe(reason);
    const { length } = await readFile(String(await partialFile(dir.path)));
    expect(length).toBeGreaterThan(2_000_000);
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    expect(weightRequests(hub)[1]).toMatchObject({ range: `bytes=${length}-`, sent: WEIGHT_BYTES - length });
  });

  test('may fill the disk', { skip: !existsSync('/dev/full') }, async () => {
    await using hub = await startHub();
    await using dir = await temporaryFolder();
    await mkdir(blobs(dir.path), { recursive: true });
    const [, sha256] = /([0-9a-f]{64})/.exec(await lfsPathOf(hub.url)) ?? [];
    await symlink('/dev/full', join(blobs(dir.path), `${sha256}.edgebeam.incomplete`));
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(
      /^The disk is full: model\.safetensors needs 13,941,160 more bytes in .+ set HF_HUB_CACHE to a folder on another/,
    );
  });
});

async function lfsPathOf(url: string): Promise<string> {
  const { headers } = await fetch(`${url}/edgebeam/default/resolve/main/model.safetensors`, {
    method: 'HEAD',
    redirect: 'manual',
  });
  return String(headers.get('location'));
}

describe('a busy hub', () => {
  /** Answers the first request for each path with the fault. */
  const failFirstRequests = (fault: Fault) =>
    startHub((request, previous) =>
      previous.some(({ path, server }) => path === request.path && server === request.server)
        ? undefined
        : fault,
    );

  test.for<[string, Fault]>([
    ['503 and seconds', { status: 503, headers: { 'retry-after': '0' } }],
    ['429 and a date', { status: 429, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } }],
    ['429 and the hub’s own header', { status: 429, headers: { ratelimit: '"resolvers";r=0;t=0' } }],
  ])('is retried at the requested time: %s', async ([, fault]) => {
    await using hub = await failFirstRequests(fault);
    await using dir = await temporaryFolder();
    // Without the response's header, the delay would be hours.
    const retryPolicy = { ...FAST_RETRIES, firstDelay: 1e7 };
    const { folder, notices } = await fetchFrom(hub, dir.path, { retryPolicy });
    expect(await isDefaultModel(folder)).toBe(true);
    expect(notices[0]).toMatch(/^127\.0\.0\.1:\d+ answered (503|429) .+; retrying in 0 s \(1 of 3\)$/);
  });

  test('is retried later if it requests no time', async () => {
    await using hub = await failFirstRequests({ status: 502 });
    await using dir = await temporaryFolder();
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
  });

  test('is given up if it requests too long a wait', async () => {
    await using hub = await failFirstRequests({ status: 429, headers: { 'retry-after': '3600' } });
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(
      /answered 429 Too Many Requests and requests a wait of 3600 s\. Run the command again then$/,
    );
  });

  test('is given up after the last retry', async () => {
    await using hub = await startHub(() => ({ status: 500 }));
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(
      /answered 500 Internal Server Error; gave up after 4 attempts/,
    );
    expect(hub.requests).toHaveLength(4);
  });
});

describe('the token', () => {
  test('gives access to a private model, and is never sent to another host', async () => {
    await using hub = await startHubServer({ 'edgebeam/default': { ...MODEL, access: 'private' } });
    await using dir = await temporaryFolder();
    const { folder } = await fetchFrom(hub, dir.path, { token: TOKEN });
    expect(await isDefaultModel(folder)).toBe(true);
    const sentTo = (server: string) =>
      new Set(
        hub.requests.filter((request) => request.server === server).map(({ authorization }) => authorization),
      );
    expect(sentTo('hub')).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(sentTo('cdn')).toEqual(new Set([undefined]));
  });

  test('is not sent to another host that the list of files continues on', async () => {
    await using other = await startHub();
    const next = `<${other.url}/api/models/edgebeam/default/tree/main>; rel="next"`;
    await using hub = await startHub(({ path }) =>
      path.includes('/tree/') ? { status: 200, headers: { link: next }, body: '[]' } : undefined,
    );
    await using dir = await temporaryFolder();
    await fetchFrom(hub, dir.path, { token: TOKEN });
    expect(other.requests.length).toBeGreaterThan(0);
    expect(other.requests.map(({ authorization }) => authorization)).toEqual(
      other.requests.map(() => undefined),
    );
  });

  test('is not blamed for an expired signed URL, which is requested again', async () => {
    await using hub = await startHubWithCdnFaults(
      { breakAfter: 3_000_000 },
      { status: 403, body: 'Expired' },
    );
    await using dir = await temporaryFolder();
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    expect(hub.requests.filter(({ path }) => path.endsWith('model.safetensors'))).toHaveLength(3);
    const [first, , last] = weightRequests(hub);
    expectResumed([first, last].filter((request) => request !== undefined));
  });
});
