/** @module Who waits for room: in order, no longer than allowed, and nobody is held up by one who is no more. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AdmissionQueue, type QueueLimits } from '../../../../engine/batching/admission.ts';
import { QueueFullError, QueueTimeoutError } from '../../../../engine/batching/errors.ts';
import { SlotsExhaustedError } from '../../../../engine/cache/errors.ts';

const LIMITS: QueueLimits = { length: 3, milliseconds: 10_000 };
const NEVER = new AbortController().signal;

/** Room that is taken and given back. */
class Room {
  readonly maximum = 10;
  free = 10;

  take(size: number): () => number {
    return () => {
      if (size > this.free) throw new SlotsExhaustedError(size, this.free, this.maximum);
      this.free -= size;
      return size;
    };
  }
}

describe('the queue for room', () => {
  let room: Room;
  let queue: AdmissionQueue;
  beforeEach(() => {
    vi.useFakeTimers();
    room = new Room();
    queue = new AdmissionQueue((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)));
  });
  afterEach(() => vi.useRealTimers());
  const enter = async (size: number, limits = LIMITS, signal = NEVER) =>
    (await queue.enter(room.take(size), limits, signal)).value;
  /** What has been decided of a promise by now. */
  async function now<T>(promise: Promise<T>): Promise<T | 'waits'> {
    await vi.advanceTimersByTimeAsync(1_000);
    return Promise.race([promise, Promise.resolve('waits' as const)]);
  }

  it('lets in at once what has room', async () => {
    expect(await enter(4)).toBe(4);
    expect(await enter(6)).toBe(6);
    expect(queue.length).toBe(0);
  });

  it('lets in what was there first, though what came later would fit', async () => {
    await enter(8);
    const large = enter(9);
    const small = enter(1);
    expect(await now(small)).toBe('waits');
    expect(queue.length).toBe(2);
    room.free += 8;
    expect(await now(large)).toBe(9);
    expect(await now(small)).toBe(1);
    expect(queue.length).toBe(0);
  });

  it('refuses what never fits without any wait', async () => {
    await enter(10);
    await expect(enter(11)).rejects.toThrow(SlotsExhaustedError);
    const waiting = enter(1);
    const never = enter(11).catch((error: unknown) => error);
    room.free = 10;
    expect(await now(waiting)).toBe(1);
    expect(await now(never)).toBeInstanceOf(SlotsExhaustedError);
  });

  it('takes no more than may wait', async () => {
    await enter(10);
    const waiting = [1, 2, 3].map((size) => enter(size));
    await expect(enter(1)).rejects.toThrow(new QueueFullError(3));
    await expect(enter(1, { ...LIMITS, length: 0 })).rejects.toThrow(QueueFullError);
    room.free = 10;
    expect(await Promise.all(waiting.map(now))).toEqual([1, 2, 3]);
  });

  it('sends away who has waited too long, and only him', async () => {
    await enter(10);
    const short = enter(1, { ...LIMITS, milliseconds: 2_000 }).catch((error: unknown) => error);
    const long = enter(1);
    await vi.advanceTimersByTimeAsync(2_100);
    expect(await now(short)).toEqual(new QueueTimeoutError(2_000));
    expect(await now(long)).toBe('waits');
    expect(queue.length).toBe(1);
    room.free = 1;
    expect(await now(long)).toBe(1);
  });

  it('gives up the place of who leaves', async () => {
    await enter(10);
    const gone = new AbortController();
    const leaving = enter(5, LIMITS, gone.signal).catch((error: unknown) => error);
    const staying = enter(2);
    gone.abort(new Error('gone'));
    expect(await now(leaving)).toEqual(new Error('gone'));
    room.free = 4;
    expect(await now(staying)).toBe(2);
  });

  it('gives up the place of whom the platform has dropped, without a word', async () => {
    let dropped = false;
    const queue = new AdmissionQueue(
      (milliseconds) =>
        new Promise((resolve) => setTimeout(() => (dropped ? undefined : resolve()), milliseconds)),
    );
    room.free = 0;
    void queue.enter(room.take(5), LIMITS, NEVER);
    await vi.advanceTimersByTimeAsync(100);
    dropped = true;
    await vi.advanceTimersByTimeAsync(100);
    dropped = false;
    const staying = queue.enter(room.take(5), LIMITS, NEVER);
    room.free = 10;
    expect(await now(staying)).toBe('waits');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await now(staying)).toMatchObject({ value: 5, milliseconds: expect.any(Number) });
    expect(room.free).toBe(5);
    expect(queue.length).toBe(0);
  });

  it('keeps the order of those who could not look while something was computed', async () => {
    await enter(10);
    const first = enter(5);
    await vi.advanceTimersByTimeAsync(50);
    // Nobody looks for ten seconds; then the latest comes first.
    vi.setSystemTime(Date.now() + 7_000);
    const second = enter(6);
    room.free = 10;
    expect(await now(first)).toBe(5);
    expect(await now(second)).toBe('waits');
  });

  it('lets an error through that is no want of room', async () => {
    const broken = () => {
      throw new TypeError('no queue helps here');
    };
    await expect(queue.enter(broken, LIMITS, NEVER)).rejects.toThrow(TypeError);
    expect(queue.length).toBe(0);
  });
});
