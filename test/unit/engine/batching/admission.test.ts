/** @module The queue for cache space: order, timeouts, cancellation, and requests that the platform drops. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AdmissionQueue, type QueueLimits } from '../../../../engine/batching/admission.ts';
import { QueueFullError, QueueTimeoutError } from '../../../../engine/batching/errors.ts';
import { SlotsExhaustedError } from '../../../../engine/cache/errors.ts';

const LIMITS: QueueLimits = { length: 3, milliseconds: 10_000 };
const NEVER = new AbortController().signal;

/** A stand-in for the cache: a number of free slots. */
class FakeCache {
  readonly maximum = 10;
  free = 10;

  reserve(size: number): () => number {
    return () => {
      if (size > this.free) throw new SlotsExhaustedError(size, this.free, this.maximum);
      this.free -= size;
      return size;
    };
  }
}

describe('the admission queue', () => {
  let cache: FakeCache;
  let queue: AdmissionQueue;
  beforeEach(() => {
    vi.useFakeTimers();
    cache = new FakeCache();
    queue = new AdmissionQueue((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)));
  });
  afterEach(() => vi.useRealTimers());
  const admit = async (size: number, limits = LIMITS, signal = NEVER) =>
    (await queue.admit(cache.reserve(size), limits, signal)).value;
  /** The state of a promise one second later. */
  async function settledSoon<T>(promise: Promise<T>): Promise<T | 'pending'> {
    await vi.advanceTimersByTimeAsync(1_000);
    return Promise.race([promise, Promise.resolve('pending' as const)]);
  }

  it('admits a request at once when the cache has space', async () => {
    expect(await admit(4)).toBe(4);
    expect(await admit(6)).toBe(6);
    expect(queue.length).toBe(0);
  });

  it('admits in order of arrival, though a later request would fit', async () => {
    await admit(8);
    const large = admit(9);
    const small = admit(1);
    expect(await settledSoon(small)).toBe('pending');
    expect(queue.length).toBe(2);
    cache.free += 8;
    expect(await settledSoon(large)).toBe(9);
    expect(await settledSoon(small)).toBe(1);
    expect(queue.length).toBe(0);
  });

  it('looks at requests that wait for others, until they are looked at, and ends the wait of one that is refused', async () => {
    const looks: string[] = [];
    const look = (name: string, results: readonly (boolean | Error)[], limits = LIMITS) => {
      const left = [...results];
      return queue.admit(cache.reserve(1), limits, NEVER, () => {
        looks.push(name);
        const result = left.shift() as boolean | Error;
        if (result instanceof Error) throw result;
        return result;
      });
    };
    await admit(10);
    const first = look('first', []);
    const refused = expect(look('refused', [false, new RangeError('no')])).rejects.toThrow('no');
    const waiting = look('waiting', [true]);
    await expect(look('full', [])).rejects.toThrow(QueueFullError);
    expect(await settledSoon(waiting)).toBe('pending');
    await refused;
    expect(queue.length).toBe(2);
    cache.free += 10;
    expect([await settledSoon(first), await settledSoon(waiting)]).toMatchObject([
      { value: 1 },
      { value: 1 },
    ]);
    expect(looks.toSorted()).toEqual(['refused', 'refused', 'waiting']);
  });

  it('rejects a request larger than the cache without waiting', async () => {
    await admit(10);
    await expect(admit(11)).rejects.toThrow(SlotsExhaustedError);
    const waiting = admit(1);
    const tooLarge = admit(11).catch((error: unknown) => error);
    cache.free = 10;
    expect(await settledSoon(waiting)).toBe(1);
    expect(await settledSoon(tooLarge)).toBeInstanceOf(SlotsExhaustedError);
  });

  it('rejects a request when the queue is full', async () => {
    await admit(10);
    const waiting = [1, 2, 3].map((size) => admit(size));
    await expect(admit(1)).rejects.toThrow(new QueueFullError(3));
    await expect(admit(1, { ...LIMITS, length: 0 })).rejects.toThrow(QueueFullError);
    cache.free = 10;
    expect(await Promise.all(waiting.map(settledSoon))).toEqual([1, 2, 3]);
  });

  it('times out one request, and only that one', async () => {
    await admit(10);
    const short = admit(1, { ...LIMITS, milliseconds: 2_000 }).catch((error: unknown) => error);
    const long = admit(1);
    await vi.advanceTimersByTimeAsync(2_100);
    expect(await settledSoon(short)).toEqual(new QueueTimeoutError(2_000));
    expect(await settledSoon(long)).toBe('pending');
    expect(queue.length).toBe(1);
    cache.free = 1;
    expect(await settledSoon(long)).toBe(1);
  });

  it('drops the ticket of an aborted request', async () => {
    await admit(10);
    const controller = new AbortController();
    const aborted = admit(5, LIMITS, controller.signal).catch((error: unknown) => error);
    const staying = admit(2);
    controller.abort(new Error('gone'));
    expect(await settledSoon(aborted)).toEqual(new Error('gone'));
    cache.free = 4;
    expect(await settledSoon(staying)).toBe(2);
  });

  it('drops the ticket of a request that the platform dropped silently', async () => {
    let dropped = false;
    const queue = new AdmissionQueue(
      (milliseconds) =>
        new Promise((resolve) => setTimeout(() => (dropped ? undefined : resolve()), milliseconds)),
    );
    cache.free = 0;
    void queue.admit(cache.reserve(5), LIMITS, NEVER);
    await vi.advanceTimersByTimeAsync(100);
    dropped = true;
    await vi.advanceTimersByTimeAsync(100);
    dropped = false;
    const staying = queue.admit(cache.reserve(5), LIMITS, NEVER);
    cache.free = 10;
    expect(await settledSoon(staying)).toBe('pending');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await settledSoon(staying)).toMatchObject({ value: 5, milliseconds: expect.any(Number) });
    expect(cache.free).toBe(5);
    expect(queue.length).toBe(0);
  });

  it('keeps the order of requests that could not poll during a long computation', async () => {
    await admit(10);
    const first = admit(5);
    await vi.advanceTimersByTimeAsync(50);
    // No request polls for seven seconds; then the newer request runs first.
    vi.setSystemTime(Date.now() + 7_000);
    const second = admit(6);
    cache.free = 10;
    expect(await settledSoon(first)).toBe(5);
    expect(await settledSoon(second)).toBe('pending');
  });

  it('rethrows any other error', async () => {
    const broken = () => {
      throw new TypeError('not a full cache');
    };
    await expect(queue.admit(broken, LIMITS, NEVER)).rejects.toThrow(TypeError);
    expect(queue.length).toBe(0);
  });
});
