/** @module onnxruntime's own beam search, through the public API of onnxruntime-web on one thread. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import type { Answer, Generate, PeerSide } from './protocol.ts';

/** @param wasm onnxruntime-web's own binary */
export async function beamSearchSide(wasm: ArrayBuffer, model: Uint8Array): Promise<PeerSide> {
  env.wasm.numThreads = 1;
  env.wasm.wasmBinary = wasm;
  const session = await InferenceSession.create(model, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });

  async function search({ prompt, beams }: Generate, tokens: number) {
    const length = prompt.ids.length + tokens;
    const one = (type: 'int32' | 'float32', value: number) =>
      type === 'int32'
        ? new Tensor('int32', Int32Array.of(value), [1])
        : new Tensor('float32', Float32Array.of(value), [1]);
    const begin = performance.now();
    const { sequences } = await session.run({
      input_ids: new Tensor('int32', Int32Array.from(prompt.ids), [1, prompt.ids.length]),
      max_length: one('int32', length),
      // The end of text is forbidden until then; the operator wants it lower than max_length.
      min_length: one('int32', length - 1),
      num_beams: one('int32', beams),
      num_return_sequences: one('int32', 1),
      length_penalty: one('float32', 1),
      repetition_penalty: one('float32', 1),
    });
    const milliseconds = performance.now() - begin;
    return { milliseconds, ids: [...((sequences as Tensor).data as Int32Array)].slice(prompt.ids.length) };
  }

  return {
    async perform(task) {
      if (task.kind === 'forward') return { refused: 'the operator is one call' };
      const long = await search(task, task.tokens);
      if (task.tokens === 1)
        return { firstMilliseconds: long.milliseconds, stepMilliseconds: null, ids: long.ids };
      // One call tells nothing before its end: what the other tokens take is what it takes longer than one of one token.
      const short = await search(task, 1);
      return {
        firstMilliseconds: short.milliseconds,
        stepMilliseconds: (long.milliseconds - short.milliseconds) / (task.tokens - 1),
        ids: long.ids,
      } satisfies Answer;
    },
  };
}
