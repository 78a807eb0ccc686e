/** @module wllama: llama.cpp in WASM, one thread, without WebGPU. */
import { Wllama } from '@wllama/wllama';
import wasm from '@wllama/wllama/esm/wasm/wllama.wasm?url';
import { type Forward, type Generate, type Reply, stopwatch } from '../../protocol.ts';
import './page.ts';

const wllama = new Wllama({ default: wasm }, { suppressNativeLog: true });

globalThis.peer = {
  async load() {
    const url = new URL('/model-q8_0.gguf', location.href).href;
    await wllama.loadModelFromUrl(url, { n_threads: 1, n_gpu_layers: 0, n_parallel: 1, n_ctx: CONTEXT });
  },
  side: {
    perform: (task) => (task.kind === 'generate' ? generate(task) : forward(task)),
  },
};

/** Of the measured model no more than is used: a fixed cache of this many tokens is made at once. */
const CONTEXT = 512;

async function generate(task: Generate): Promise<Reply> {
  if (task.beams > 1) return { refused: 'has no beam search' };
  const { timing, text } = await complete(task);
  return { ...timing, text };
}

/** Bare passes are not in its interface; what it says of itself is the closest to them. */
async function forward({ rows, past, times }: Forward): Promise<Reply> {
  if (rows > 1) return { refused: 'has no batch of one prompt' };
  const { inside } = await complete({ prompt: past, tokens: times + 1 });
  return inside === undefined
    ? { refused: 'told nothing' }
    : { firstMilliseconds: inside, stepMilliseconds: null };
}

async function complete({ prompt, tokens }: Pick<Generate, 'prompt' | 'tokens'>) {
  const watch = stopwatch();
  let text = '';
  let inside: number | undefined;
  const chunks = await wllama.createCompletion({
    prompt: prompt.text,
    max_tokens: tokens,
    temperature: 0,
    top_k: 1,
    ignore_eos: true,
    // With it a prompt that was there before is not computed again, which must not be when its time is the figure.
    cache_prompt: tokens > 1,
    stream: true,
  });
  for await (const { choices, timings, usage } of chunks) {
    watch.token();
    text += choices[0]?.text ?? '';
    inside = timings?.predicted_per_token_ms ?? inside;
    const evaluated = usage?.prompt_tokens;
    if (evaluated !== undefined && evaluated !== prompt.ids.length) {
      throw new Error(`wllama cut the prompt into ${evaluated} tokens, not ${prompt.ids.length}`);
    }
  }
  return { timing: watch.timing(tokens), text, inside };
}
