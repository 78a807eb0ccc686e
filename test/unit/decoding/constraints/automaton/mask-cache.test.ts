/** @module The cache of masks. */
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../../../decoding/constraints/automaton/frame.ts';
import { Mask } from '../../../../../decoding/constraints/automaton/mask.ts';
import { type FrameMask, MaskCache } from '../../../../../decoding/constraints/automaton/mask-cache.ts';

const frame = (): Frame => ({ isDone: true, distance: 0, bytes: [], step: () => [] });
const mask = (vocabSize: number): FrameMask => ({
  inside: Mask.of(Mask.bitsFor(vocabSize).fill(2 ** 32 - 1)),
  ends: [],
  maxDistance: 0,
});

describe('MaskCache', () => {
  it('computes a mask once', () => {
    const cache = new MaskCache(10_000);
    const [key, value] = [frame(), mask(320)];
    expect(cache.get(key, () => value)).toBe(value);
    expect(
      cache.get(key, () => {
        throw new Error('computed again');
      }),
    ).toBe(value);
    expect(cache.bytes).toBeGreaterThan(40);
  });

  it('drops the masks that were used longest ago, beyond its bytes', () => {
    const cache = new MaskCache(Infinity);
    const frames = Array.from({ length: 10 }, frame);
    cache.get(frames[0] as Frame, () => mask(320));
    const each = cache.bytes;
    const small = new MaskCache(3 * each);
    const computed: number[] = [];
    const use = (i: number) =>
      small.get(frames[i] as Frame, () => {
        computed.push(i);
        return mask(320);
      });
    for (const i of [0, 1, 2, 0, 3, 0, 2, 1]) use(i);
    expect(computed).toEqual([0, 1, 2, 3, 1]);
    expect(small.bytes).toBe(3 * each);
    small.evict(1);
    expect(small.bytes).toBe(2 * each);
    small.evict(Infinity);
    expect(small.bytes).toBe(0);
  });

  it('returns a mask that is larger than the cache, and does not keep it', () => {
    const cache = new MaskCache(100);
    const value = mask(32_000);
    expect(cache.get(frame(), () => value)).toBe(value);
    expect(cache.bytes).toBe(0);
  });
});
