/** @module The windows of a long text against the loop of Hugging Face's guide. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { windowCount, windowsOf } from '../../../../decoding/scoring/windows.ts';

/** https://huggingface.co/docs/transformers/perplexity, with its names; the first label of a window has no context. */
function guide(seq_len: number, max_length: number, stride: number) {
  const windows: { begin: number; end: number; scored: number[] }[] = [];
  let prev_end_loc = 0;
  for (let begin_loc = 0; begin_loc < seq_len; begin_loc += stride) {
    const end_loc = Math.min(begin_loc + max_length, seq_len);
    const trg_len = end_loc - prev_end_loc;
    const positions = Array.from({ length: end_loc - begin_loc }, (_, i) => begin_loc + i);
    windows.push({
      begin: begin_loc,
      end: end_loc,
      scored: positions.slice(1).filter((i) => i >= end_loc - trg_len),
    });
    prev_end_loc = end_loc;
    if (end_loc === seq_len) break;
  }
  return windows;
}

it('are those of the guide, and score each token but those without context once', () => {
  const size = fc.integer({ min: 2, max: 12 }).chain((window) =>
    fc.record({
      window: fc.constant(window),
      stride: fc.integer({ min: 1, max: window }),
      length: fc.integer({ min: 2, max: 60 }),
    }),
  );
  fc.assert(
    fc.property(size, ({ length, window, stride }) => {
      const windows = Array.from(windowsOf(length, window, stride));
      const scored = ({ begin, end, from }: (typeof windows)[number]) =>
        Array.from({ length: Math.max(0, end - begin - from) }, (_, i) => begin + from + i);
      expect(
        windows.map((window) => ({ begin: window.begin, end: window.end, scored: scored(window) })),
      ).toEqual(guide(length, window, stride));
      expect(windowCount(length, window, stride)).toBe(windows.length);
      const all = windows.flatMap(scored);
      expect(new Set(all).size).toBe(all.length);
      if (stride < window) expect(all).toHaveLength(length - 1);
    }),
  );
});
