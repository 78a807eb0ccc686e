/** @module onnxruntime's own beam search, through the public API that its packages share. */
import type { InferenceSession, TensorConstructor } from 'onnxruntime-web/wasm';
import type { Answer, Generate, PeerSide } from './protocol.ts';

/**
 * @param session of a graph by `beam-search-graph.ts`
 * @param Tensor of the package of the session
 */
export function beamSearchSide(session: InferenceSession, Tensor: TensorConstructor): PeerSide {
  async function search({ prompt, beams }: Generate, tokens: number) {
    const length = prompt.ids.length + tokens;
    const scalar = (type: 'int32' | 'float32', value: number) =>
      type === 'int32'
        ? new Tensor('int32', Int32Array.of(value), [1])
        : new Tensor('float32', Float32Array.of(value), [1]);
    const begin = performance.now();
    const { sequences } = await session.run({
      input_ids: new Tensor('int32', Int32Array.from(prompt.ids), [1, prompt.ids.length]),
      max_length: scalar('int32', length),
      // Bans the end of text until then; the operator requires min_length < max_length.
      min_length: scalar('int32', length - 1),
      num_beams: scalar('int32', beams),
      num_return_sequences: scalar('int32', 1),
      length_penalty: scalar('float32', 1),
      repetition_penalty: scalar('float32', 1),
    });
    const milliseconds = performance.now() - begin;
    return { milliseconds, ids: Array.from(sequences?.data ?? [], Number).slice(prompt.ids.length) };
  }

  return {
    async perform(task) {
      if (task.kind === 'forward') return { refused: 'the operator is one call for the whole search' };
      const full = await search(task, task.tokens);
      if (task.tokens === 1)
        return { firstMilliseconds: full.milliseconds, stepMilliseconds: null, ids: full.ids };
      // A call returns nothing before its end: the time of the later tokens is its difference to a call for
      // one token.
      const firstOnly = await search(task, 1);
      return {
        firstMilliseconds: firstOnly.milliseconds,
        stepMilliseconds: (full.milliseconds - firstOnly.milliseconds) / (task.tokens - 1),
        ids: full.ids,
      } satisfies Answer;
    },
  };
}
