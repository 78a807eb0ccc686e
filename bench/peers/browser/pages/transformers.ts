/** @module transformers.js on its WASM backend, one thread. */
import {
  AutoModelForCausalLM,
  BaseStreamer,
  env,
  type PreTrainedModel,
  Tensor,
} from '@huggingface/transformers';
import glue from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import { type Forward, type Generate, type Reply, stopwatch } from '../../protocol.ts';
import './page.ts';

env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = '/';
// The library's default build, served locally instead of from a CDN.
env.backends.onnx.wasm.wasmPaths = { mjs: glue, wasm };
env.backends.onnx.wasm.numThreads = 1;
env.backends.onnx.wasm.proxy = false;

let model: PreTrainedModel | undefined;

globalThis.peer = {
  async load() {
    model = await AutoModelForCausalLM.from_pretrained('transformers', { dtype: 'q8', device: 'wasm' });
  },
  side: {
    async perform(task) {
      if (!model) return { refused: 'no model is loaded' };
      return task.kind === 'generate' ? generate(model, task) : forward(model, task);
    },
  },
};

async function generate(model: PreTrainedModel, task: Generate): Promise<Reply> {
  const answer = await run(model, task, task.beams);
  if (task.beams === 1) return answer;
  const greedy = await run(model, task, 1);
  return answer.ids.join() === greedy.ids.join()
    ? { refused: 'accepts `num_beams`, but searches greedily' }
    : answer;
}

async function run(model: PreTrainedModel, { prompt, tokens }: Generate, beams: number) {
  const watch = stopwatch();
  const streamer = new TokenTimer(watch.token);
  const sequences = await model.generate({
    inputs: idTensor([prompt.ids]),
    attention_mask: ones([1, prompt.ids.length]),
    max_new_tokens: tokens,
    min_new_tokens: tokens,
    do_sample: false,
    num_beams: beams,
    streamer,
  });
  return { ...watch.timing(tokens), ids: Array.from(sequences.data, Number).slice(prompt.ids.length) };
}

/** `put` is called with the prompt first, then with each token. */
class TokenTimer extends BaseStreamer {
  #expectsPrompt = true;
  readonly #onToken: () => void;

  constructor(onToken: () => void) {
    super();
    this.#onToken = onToken;
  }

  override put(): void {
    if (!this.#expectsPrompt) this.#onToken();
    this.#expectsPrompt = false;
  }

  override end(): void {}
}

async function forward(model: PreTrainedModel, { rows, past, times }: Forward): Promise<Reply> {
  const cached = past.ids.length;
  const prompts = Array.from({ length: rows }, () => past.ids);
  const outputs = await model.forward({
    input_ids: idTensor(prompts),
    attention_mask: ones([rows, cached]),
    past_key_values: null,
  });
  const past_key_values = Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith('present.'))
      .map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
  );
  const inputs = {
    input_ids: idTensor(prompts.map((_, i) => past.ids.slice(i, i + 1))),
    attention_mask: ones([rows, cached + 1]),
    position_ids: idTensor(prompts.map(() => [cached])),
    past_key_values,
  };
  const begin = performance.now();
  for (let i = 0; i < times; i++) await model.forward(inputs);
  return { firstMilliseconds: (performance.now() - begin) / times, stepMilliseconds: null };
}

function idTensor(rows: readonly (readonly number[])[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]?.length ?? 0]);
}

function ones(dims: readonly [number, number]): Tensor {
  return new Tensor('int64', new BigInt64Array(dims[0] * dims[1]).fill(1n), [...dims]);
}
