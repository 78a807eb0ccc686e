/**
 * @module The network for f32 weights of a model with LoRA adapters: as `onnx-network.ts`, in onnxruntime, but with a run
 * for each linear layer, so that our kernel can add what each row's adapter changes between two of them.
 *
 *     hidden = wte[token] + wpe[position]                 embed
 *     normalized = ln_1(hidden)                           norm
 *     for each layer:
 *       qkv = c_attn(normalized)                          linear, adapters
 *       context = attention(qkv)                          attention kernel, called by `Gpt2`
 *       branch = c_proj(context)                          linear, adapters
 *       hidden += branch; normalized = ln_2(hidden)       residual_norm
 *       inner = c_fc(normalized)                          linear, adapters
 *       activated = activation(inner)                     activation
 *       branch = mlp.c_proj(activated)                    linear, adapters
 *       hidden += branch; normalized = next_ln(hidden)    residual_norm
 *     logits = lm_head · ln_f(hidden)                     head
 */
import { activationIntermediates } from '../../model-assets/format/activations.ts';
import { type ModelConfig, storedVocabSize } from '../../model-assets/format/manifest.ts';
import type { AdapterKernel } from '../kernels/adapter.ts';
import { LOGITS_SCRATCH, type LogitsKernel, TABLE_BYTES } from '../kernels/logits.ts';
import { ActivationBuffers, totalBytes } from '../runtime/activation-buffers.ts';
import type { Ort } from '../runtime/ort.ts';
import type { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Session } from '../runtime/session.ts';
import { AdapterRows, adapterBuffers } from './adapter-rows.ts';
import { rowLender } from './lent-row.ts';
import { LM_HEAD_ROWS, type Network, type NetworkPass, networkOf } from './network.ts';
import { onnxHead, onnxHeadBytes, writeIds } from './onnx-network.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const ID_BYTES = 8;

type GraphName = 'embed' | 'norm' | 'linear' | 'residual_norm' | 'activation' | 'head';
export type OnnxAdapterSessions = Readonly<Record<GraphName, Session>>;

/** Bytes of each activation buffer. */
function bufferSizes(config: ModelConfig, rows: number) {
  const { n_embd, n_inner } = config;
  const floats = (columns: number, count = rows) => FLOAT_BYTES * count * columns;
  return {
    /** Before and after the residual of attention; the residual of the mlp writes back to the first. */
    hidden: floats(n_embd),
    hiddenAfterAttention: floats(n_embd),
    normalized: floats(n_embd),
    /** Output of attention's `c_proj`, or of the mlp. */
    branch: floats(n_embd),
    /** Scratch of decoding, while it reads logits. */
    qkv: Math.max(floats(3 * n_embd), LOGITS_SCRATCH.bytes),
    context: floats(n_embd),
    inner: floats(n_inner),
    activated: floats(n_inner),
    ids: ID_BYTES * rows,
    positions: ID_BYTES * rows,
    logits: floats(storedVocabSize(config), Math.min(rows, LM_HEAD_ROWS)),
    exponentials: TABLE_BYTES,
    ...adapterBuffers(rows),
  };
}

type BufferAddresses = Readonly<Record<keyof ReturnType<typeof bufferSizes>, number>>;

/** Heap for passes of up to `rows` rows: buffers and transient allocations. */
export function adapterPassBytes(config: ModelConfig, rows: number): number {
  return totalBytes(bufferSizes(config, rows)) + transientBytes(config, rows);
}

/** onnxruntime's peak during a pass: that of an activation, of a linear layer's products, or of the head. */
function transientBytes(config: ModelConfig, rows: number): number {
  const { n_embd, n_inner } = config;
  const widest = Math.max(3 * n_embd, n_inner);
  const block = FLOAT_BYTES * rows * (2 * widest + activationIntermediates(config) * n_inner);
  return onnxHeadBytes(config, rows, block);
}

/**
 * @param sessions released with the network
 * @throws HeapExhaustedError when a pass of `maxRows` rows does not fit; nothing stays allocated then
 */
export function onnxAdapterNetwork(
  ort: Ort,
  config: ModelConfig,
  sessions: OnnxAdapterSessions,
  kernels: LogitsKernel & AdapterKernel,
  weights: Weights,
  maxRows: number,
): Network {
  const buffers = new ActivationBuffers(ort.heap);
  const addresses = buffers.allocate(bufferSizes(config, maxRows), transientBytes(config, maxRows));
  const parts: NetworkParts = {
    ort,
    config,
    sessions,
    weights,
    buffers: addresses,
    adapters: new AdapterRows(kernels, ort.heap, config, addresses),
    lendRow: rowLender({
      kernel: kernels,
      heap: ort.heap,
      table: addresses.exponentials,
      scratch: addresses.qkv,
      vocabSize: config.vocab_size,
    }),
  };
  return networkOf(ort, { sessions, buffers }, (rowCount, allocations) =>
    adapterPass(parts, rowCount, allocations),
  );
}

/** The parts of a network that all its passes share. */
interface NetworkParts {
  readonly ort: Ort;
  readonly config: ModelConfig;
  readonly sessions: OnnxAdapterSessions;
  readonly weights: Weights;
  readonly buffers: BufferAddresses;
  readonly adapters: AdapterRows;
  readonly lendRow: ReturnType<typeof rowLender>;
}

function adapterPass(parts: NetworkParts, rowCount: number, allocations: ScopedAllocations): NetworkPass {
  const { ort, config, sessions, weights, buffers, adapters, lendRow } = parts;
  const { n_embd, n_inner, n_layer } = config;
  const rows = (pointer: number, columns: number) =>
    allocations.view('float32', pointer, [rowCount, columns]);
  const hidden = rows(buffers.hidden, n_embd);
  const hiddenAfterAttention = rows(buffers.hiddenAfterAttention, n_embd);
  const normalized = rows(buffers.normalized, n_embd);
  const branch = rows(buffers.branch, n_embd);
  const qkv = rows(buffers.qkv, 3 * n_embd);
  const context = rows(buffers.context, n_embd);
  const inner = rows(buffers.inner, n_inner);
  const activated = rows(buffers.activated, n_inner);
  const input_ids = allocations.view('int64', buffers.ids, [rowCount]);
  const position_ids = allocations.view('int64', buffers.positions, [rowCount]);

  const weightsOf = (name: string) => weights.renamed({ weight: `${name}.weight`, bias: `${name}.bias` });
  const linear = (name: string, x: typeof hidden, y: typeof hidden) =>
    allocations.bind(sessions.linear, { x, ...weightsOf(name) }, { y });
  const residualNorm = (name: string, input: typeof hidden, output: typeof hidden) =>
    allocations.bind(
      sessions.residual_norm,
      { hidden: input, added: branch, ...weightsOf(name) },
      { hidden_out: output, normal: normalized },
    );
  const embed = allocations.bind(
    sessions.embed,
    { input_ids, position_ids, ...weights.ofModules('wte', 'wpe') },
    { hidden },
  );
  const firstNorm = allocations.bind(
    sessions.norm,
    { hidden, ...weightsOf('h.0.ln_1') },
    { normal: normalized },
  );
  const activation = allocations.bind(sessions.activation, { x: inner }, { y: activated });
  const layers = Array.from({ length: n_layer }, (_, layer) => {
    const nextNorm = layer + 1 < n_layer ? `h.${layer + 1}.ln_1` : 'ln_f';
    return {
      c_attn: linear(`h.${layer}.attn.c_attn`, normalized, qkv),
      c_proj: linear(`h.${layer}.attn.c_proj`, context, branch),
      ln_2: residualNorm(`h.${layer}.ln_2`, hidden, hiddenAfterAttention),
      c_fc: linear(`h.${layer}.mlp.c_fc`, normalized, inner),
      mlp_c_proj: linear(`h.${layer}.mlp.c_proj`, activated, branch),
      next_ln: residualNorm(nextNorm, hiddenAfterAttention, hidden),
    };
  });
  return {
    qkv: buffers.qkv,
    context: buffers.context,
    embed(rows) {
      adapters.begin(rows);
      writeIds(ort.heap, buffers, rows);
      embed();
      firstNorm();
    },
    projectQkv(layer) {
      layers[layer]?.c_attn();
      adapters.add(layer, 'attn.c_attn', buffers.normalized, buffers.qkv);
    },
    finishBlock(layer) {
      const { c_proj, ln_2, c_fc, mlp_c_proj, next_ln } = layers[layer] as (typeof layers)[number];
      c_proj();
      adapters.add(layer, 'attn.c_proj', buffers.context, buffers.branch);
      ln_2();
      c_fc();
      adapters.add(layer, 'mlp.c_fc', buffers.normalized, buffers.inner);
      activation();
      mlp_c_proj();
      adapters.add(layer, 'mlp.c_proj', buffers.activated, buffers.branch);
      next_ln();
    },
    lmHead: onnxHead(ort, config, sessions.head, weights, { hidden, logits: buffers.logits, lendRow }),
  };
}
