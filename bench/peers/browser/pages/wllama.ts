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

/** Just enough for the benchmark: llama.cpp allocates its whole KV cache for this many tokens at load. */
const CONTEXT = 512;

async function generate(task: Generate): Promise<Reply> {
  if (task.beams > 1) return { refused: 'has no beam search' };
  const { timing, text } = await complete(task);
  return { ...timing, text };
}

/** The interface has no bare pass; the library's own timing is the closest figure. */
async function forward({ rows, past, times }: Forward): Promise<Reply> {
  if (rows > 1) return { refused: 'cannot batch sequences of one prompt' };
  const { milliseconds } = await complete({ prompt: past, tokens: times + 1 });
  return milliseconds === undefined
    ? { refused: 'reported no timing' }
    : { firstMilliseconds: milliseconds, stepMilliseconds: null };
}

async function complete({ prompt, tokens }: Pick<Generate, 'prompt' | 'tokens'>) {
  const watch = stopwatch();
  let text = '';
  /** Per predicted token, as reported by the library. */
  let milliseconds: number | undefined;
  const chunks = await wllama.createCompletion({
    prompt: prompt.text,
    max_tokens: tokens,
    temperature: 0,
    top_k: 1,
    ignore_eos: true,
    // Off where the prompt's time is the figure: a cached prompt is not computed again.
    cache_prompt: tokens > 1,
    stream: true,
  });
  for await (const { choices, timings, usage } of chunks) {
    watch.token();
    text += choices[0]?.text ?? '';
    milliseconds = timings?.predicted_per_token_ms ?? milliseconds;
    const evaluated = usage?.prompt_tokens;
    if (evaluated !== undefined && evaluated !== prompt.ids.length) {
      throw new Error(`wllama tokenized the prompt into ${evaluated} tokens, expected ${prompt.ids.length}`);
    }
  }
  return { timing: watch.timing(tokens), text, milliseconds };
}
