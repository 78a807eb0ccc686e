/** @module A model of given rows, which lends its logits through the kernel as the engine does, or only copies them. */
import type { LogitsRow } from '../../decoding/interface/logits-row.ts';
import type { Evaluation, LanguageModel, TokenTree, TreeNode } from '../../decoding/interface/token-tree.ts';
import { LOGITS_SCRATCH, logitsKernel, TABLE_BYTES } from '../../engine/kernels/logits.ts';
import { rowLender } from '../../engine/model/lent-row.ts';

/** Rows in a memory of their own. */
export class RowMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #lendRow: (address: number) => LogitsRow;
  readonly #vocabSize: number;

  /** @param module the kernels for logits, compiled */
  constructor(module: WebAssembly.Module, vocabSize: number) {
    const pages = 2 + Math.ceil((LOGITS_SCRATCH.bytes + 4 * vocabSize) / 65_536);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.#vocabSize = vocabSize;
    const { buffer } = this.#memory;
    const heap = {
      floats: (address: number, length: number) => new Float32Array(buffer, address, length),
      words: (address: number, length: number) => new Uint32Array(buffer, address, length),
    };
    this.#lendRow = rowLender({
      kernel: logitsKernel(module, this.#memory),
      heap,
      scratch: SCRATCH,
      table: SCRATCH + LOGITS_SCRATCH.bytes,
      vocabSize,
    });
  }

  /** Lends a copy of the logits, until the next call. */
  lend(logits: Float32Array): LogitsRow {
    const address = SCRATCH + LOGITS_SCRATCH.bytes + TABLE_BYTES;
    new Float32Array(this.#memory.buffer, address, this.#vocabSize).set(logits);
    return this.#lendRow(address);
  }
}

const SCRATCH = 65_536;

export interface GivenRows {
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
  /** The logits after a token. */
  readonly logitsAfter: (token: number) => Float32Array;
}

/** @param memory if given, the model lends its logits */
export function modelOfRows(
  { vocabSize, eosTokenIds, logitsAfter }: GivenRows,
  memory?: RowMemory,
): LanguageModel {
  const tree: TokenTree = {
    lendsLogits: memory !== undefined,
    append: (parent, token): TreeNode => ({ token, parent, position: parent ? parent.position + 1 : 0 }),
    async evaluate(evaluations: readonly Evaluation[]) {
      for (const { node, logits, read } of evaluations) {
        const row = logitsAfter(node.token);
        logits?.set(row);
        if (memory && read) read(memory.lend(row));
      }
    },
    release() {},
    close() {},
  };
  return { vocabSize, contextLength: 1024, eosTokenIds, open: () => tree };
}
