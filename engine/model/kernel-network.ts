/**
 * @module A network for weights at 4 bits, for which onnxruntime has no product on WebAssembly: ours stands between
 * onnxruntime's norms and activations, in the same memory.
 *
 *     hidden = wte[token] + wpe[position]
 *     normal = ln_1(hidden)                                       norm
 *     for each layer:
 *       qkv = c_attn(normal)                                      our product
 *       context = attention(qkv)                                  (the engine's)
 *       hidden += c_proj(context);  normal = ln_2(hidden)         our product; residual_norm
 *       hidden += mlp(normal);      normal = the next ln(hidden)  our product, activation, our product; residual_norm
 *     logits = wte · normal                                       our product
 *
 * The next layer's `ln_1` goes with the residual before it, and so does `ln_f`: two runs and an activation a layer.
 */
import type { ModelConfig } from '../../model-assets/format/manifest.ts';
import { type LinearKernels, lmHeadScratchBytes, matmulScratchBytes } from '../kernels/linear.ts';
import { ActivationBuffers, totalOf } from '../runtime/activation-buffers.ts';
import type { Ort } from '../runtime/ort.ts';
import type { ScopedAllocations } from '../runtime/scoped-allocations.ts';
import type { Tensor } from '../runtime/session.ts';
import { releaseSessions, type Session } from '../runtime/session.ts';
import { LM_HEAD_ROWS, type Network, type NetworkPass, PassCache, SMALL_PIECES_BYTES } from './network.ts';
import type { Weights } from './weights.ts';

const FLOAT_BYTES = 4;
const WORD_BYTES = 4;

type GraphName = 'norm' | 'residual_norm' | 'activation';
/** A session for each part of onnxruntime's. */
export type KernelNetworkSessions = Readonly<Record<GraphName, Session>>;

/** What all passes share. */
interface Parts {
  readonly ort: Ort;
  readonly config: ModelConfig;
  readonly kernels: LinearKernels;
  readonly sessions: KernelNetworkSessions;
  readonly weights: Weights;
  readonly at: Addresses;
}

/** Where the rows lie: their sizes in bytes, and then their addresses. */
function sizesOf({ n_embd, n_inner, vocab_size }: ModelConfig, rows: number) {
  const readOuts = Math.min(rows, LM_HEAD_ROWS);
  const floats = (columns: number, count = rows) => FLOAT_BYTES * count * columns;
  return {
    /** Before and after what a half of a block adds. */
    hidden: floats(n_embd),
    hidden_out: floats(n_embd),
    normal: floats(n_embd),
    /** What a half of a block adds. */
    added: floats(n_embd),
    /** For attention `qkv` and, after it, `context`; then, in the same place, what the activation gives. */
    attention: floats(Math.max(4 * n_embd, n_inner)),
    wide: floats(n_inner),
    selected: floats(n_embd, readOuts),
    logits: floats(vocab_size, readOuts),
    tokens: WORD_BYTES * rows,
    positions: WORD_BYTES * rows,
    scratch: Math.max(
      matmulScratchBytes(rows, Math.max(n_embd, n_inner)),
      lmHeadScratchBytes(readOuts, n_embd),
    ),
  };
}

type Addresses = Readonly<Record<keyof ReturnType<typeof sizesOf>, number>>;

/** What passes of up to `rows` rows take of the heap. */
export function kernelPassBytes(config: ModelConfig, rows: number): number {
  return totalOf(sizesOf(config, rows)) + SMALL_PIECES_BYTES;
}

/**
 * @param sessions which are released with it
 * @throws HeapExhaustedError when a pass of `maxRows` rows does not fit; it holds nothing then
 */
export function kernelNetwork(
  ort: Ort,
  config: ModelConfig,
  sessions: KernelNetworkSessions,
  kernels: LinearKernels,
  weights: Weights,
  maxRows: number,
): Network {
  const places = new ActivationBuffers(ort.heap);
  const at = places.take(sizesOf(config, maxRows), SMALL_PIECES_BYTES);
  const passes = new PassCache(ort, (rows, kept) =>
    kernelPass({ ort, config, kernels, sessions, weights, at }, rows, kept),
  );
  return {
    pass: (rows) => passes.of(rows),
    release() {
      passes.release();
      places.release();
      releaseSessions(sessions);
    },
  };
}

function kernelPass(parts: Parts, rows: number, kept: ScopedAllocations): NetworkPass {
  const { ort, config, kernels, weights, at } = parts;
  const { n_embd, n_inner } = config;
  const norms = bindNorms(parts, kept, rows);
  const qkv = at.attention;
  const context = qkv + FLOAT_BYTES * rows * 3 * n_embd;
  const active = at.attention;
  // Not in place: onnxruntime's FastGelu reads its input once more after it has begun to write.
  const activate = kept.bind(
    parts.sessions.activation,
    { x: kept.view('float32', at.wide, [rows, n_inner]) },
    { y: kept.view('float32', active, [rows, n_inner]) },
  );

  /** y = x · weight + bias */
  const linear = (name: string, x: number, inputs: number, y: number, outputs: number) => {
    const [weight, scale, bias] = ['weight', 'weight_scale', 'bias'].map((part) =>
      weights.address(`${name}.${part}`),
    ) as [number, number, number];
    return () => kernels.matmul(x, rows, inputs, outputs, weight, scale, bias, y, at.scratch);
  };
  const layers = Array.from({ length: config.n_layer }, (_, i) => ({
    c_attn: linear(`h.${i}.attn.c_attn`, at.normal, n_embd, qkv, 3 * n_embd),
    c_proj: linear(`h.${i}.attn.c_proj`, context, n_embd, at.added, n_embd),
    ln_2: norms.ln_2[i],
    c_fc: linear(`h.${i}.mlp.c_fc`, at.normal, n_embd, at.wide, n_inner),
    mlp_c_proj: linear(`h.${i}.mlp.c_proj`, active, n_inner, at.added, n_embd),
    next_ln: norms.next_ln[i],
  }));
  const [wte, wteScale, wpe] = ['wte.weight', 'wte.weight_scale', 'wpe.weight'].map((name) =>
    weights.address(name),
  ) as [number, number, number];

  return {
    qkv,
    context,
    embed(some) {
      ort.heap.words(at.tokens, rows).set(some.map(({ node }) => node.token));
      ort.heap.words(at.positions, rows).set(some.map(({ node }) => node.position));
      kernels.embed(at.tokens, at.positions, rows, n_embd, wte, wteScale, wpe, at.hidden);
      norms.first();
    },
    project: (layer) => layers[layer]?.c_attn(),
    block(layer) {
      const { c_proj, ln_2, c_fc, mlp_c_proj, next_ln } = layers[layer] as (typeof layers)[number];
      c_proj();
      ln_2?.();
      c_fc();
      activate();
      mlp_c_proj();
      next_ln?.();
    },
    lmHead(some) {
      const { heap } = ort;
      for (const [i, { index }] of some.entries()) {
        const row = heap.floats(at.normal + index * n_embd * FLOAT_BYTES, n_embd);
        heap.floats(at.selected + i * n_embd * FLOAT_BYTES, n_embd).set(row);
      }
      const { vocab_size } = config;
      kernels.lmHead(at.selected, some.length, n_embd, vocab_size, wte, wteScale, at.logits, at.scratch);
      for (const [i, row] of some.entries()) {
        row.logits.set(heap.floats(at.logits + i * vocab_size * FLOAT_BYTES, vocab_size));
      }
    },
  };
}

/** The runs of onnxruntime's norms: `ln_1` of the first layer, and for each layer what follows its two halves. */
function bindNorms({ config, sessions, weights, at }: Parts, kept: ScopedAllocations, rows: number) {
  const view = (pointer: number) => kept.view('float32', pointer, [rows, config.n_embd]);
  const [hidden, hidden_out] = [view(at.hidden), view(at.hidden_out)];
  const normal = view(at.normal);
  const added = view(at.added);
  const normOf = (name: string) => weights.named({ weight: `${name}.weight`, bias: `${name}.bias` });
  const residual = (name: string, before: Tensor, after: Tensor) =>
    kept.bind(
      sessions.residual_norm,
      { hidden: before, added, ...normOf(name) },
      { hidden_out: after, normal },
    );
  const layers = Array.from({ length: config.n_layer }, (_, i) => i);
  return {
    first: kept.bind(sessions.norm, { hidden, ...normOf('h.0.ln_1') }, { normal }),
    ln_2: layers.map((i) => residual(`h.${i}.ln_2`, hidden, hidden_out)),
    next_ln: layers.map((i) =>
      residual(i + 1 < config.n_layer ? `h.${i + 1}.ln_1` : 'ln_f', hidden_out, hidden),
    ),
  };
}
