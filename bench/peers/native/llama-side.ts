/** @module llama.cpp as native code, through node-llama-cpp on one thread. */
import { join } from 'node:path';
import type { LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import type { GgufPrecision } from '../gpt2-gguf.ts';
import { GGUF_FILES } from '../model-files.ts';
import type { PeerModels } from '../models.ts';
import { type Forward, type Generate, type PeerSide, type Reply, stopwatch } from '../protocol.ts';
import { startLlama } from './llama.ts';

/** Just enough for the benchmark: llama.cpp allocates the keys and values of this many tokens of a sequence. */
const CONTEXT = 512;

const llama = await startLlama();

export const loader =
  (precision: GgufPrecision) =>
  async ({ served }: PeerModels): Promise<PeerSide> => {
    const model = await llama.loadModel({ modelPath: join(served, GGUF_FILES[precision]) });
    const sequence = (await createContext(model, 1)).getSequence();
    return {
      perform: (task) => (task.kind === 'generate' ? generate(sequence, task) : forward(model, task)),
    };
  };

/** A prompt is one batch, which can be as long as the context. */
const createContext = (model: LlamaModel, sequences: number) =>
  model.createContext({ contextSize: CONTEXT, batchSize: CONTEXT, sequences, threads: 1 });

async function generate(sequence: LlamaContextSequence, { prompt, tokens, beams }: Generate): Promise<Reply> {
  if (beams > 1) return { refused: 'has no beam search' };
  // Else it would compute only what differs from the prompt before.
  await sequence.clearHistory();
  const watch = stopwatch();
  const ids: number[] = [];
  for await (const id of sequence.evaluate(prompt.ids, { temperature: 0, yieldEogToken: true })) {
    watch.token();
    ids.push(id);
    if (ids.length === tokens) break;
  }
  return { ...watch.timing(tokens), ids };
}

/** In a context of its own, so that generation does not search the cells of more than one sequence. */
async function forward(model: LlamaModel, { rows, past, times }: Forward): Promise<Reply> {
  const context = await createContext(model, rows);
  try {
    const sequences = Array.from({ length: rows }, () => context.getSequence());
    for (const sequence of sequences) await sequence.evaluateWithoutGeneratingNewTokens(past.ids);
    let milliseconds = 0;
    for (let i = 0; i < times; i++) {
      const begin = performance.now();
      // Evaluations in the same turn of the event loop become one batch.
      await Promise.all(sequences.map((sequence, j) => computeLogits(sequence, past.ids[j] ?? 0)));
      milliseconds += performance.now() - begin;
      const added = { start: past.ids.length, end: past.ids.length + 1 };
      for (const sequence of sequences) await sequence.eraseContextTokenRanges([added]);
    }
    return { firstMilliseconds: milliseconds / times, stepMilliseconds: null };
  } finally {
    await context.dispose();
  }
}

/** The public interface has no logits without a token chosen by them; this internal option chooses none. */
async function computeLogits(sequence: LlamaContextSequence, id: number): Promise<void> {
  await sequence.evaluate([id], { _noSampling: true }).next();
}
