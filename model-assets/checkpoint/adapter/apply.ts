/** @module Applies an adapter to the tensors of its base. */
import { CheckpointError } from '../interface/errors.ts';
import { elementsOf, type StoredTensor } from '../interface/stored-tensor.ts';
import type { AdapterConfig } from './config.ts';
import type { LowRank } from './low-rank.ts';
import { mergeBias, mergeLowRank, replaceRows, replaceWhole } from './merged-tensor.ts';
import type { AdapterTensors } from './tensors.ts';

const EMBEDDING = 'wte.weight';
const LM_HEAD = 'lm_head.weight';
const OTHER: Readonly<Record<string, string>> = { [EMBEDDING]: LM_HEAD, [LM_HEAD]: EMBEDDING };

/** What `config.json` of the base does not say of the model with its adapter. */
export interface ConfigChanges {
  /** The rows of the saved embedding: an adapter may have been trained with more tokens than the base has. */
  readonly vocab_size?: number;
  /** False if the adapter changes embedding and lm_head differently. */
  readonly tie_word_embeddings?: false;
}

export function configChanges({ saved, lowRank }: AdapterTensors, config: AdapterConfig): ConfigChanges {
  const rows = (saved.get(EMBEDDING) ?? saved.get(LM_HEAD))?.shape[0];
  const isUntied =
    lowRank.has(EMBEDDING) || lowRank.has(LM_HEAD) || isCopied(config, 'wte') || isCopied(config, 'lm_head');
  return { ...(rows !== undefined && { vocab_size: rows }), ...(isUntied && { tie_word_embeddings: false }) };
}

/** A module that was trained in full is a copy: where it was one with another, it is not any more. */
const isCopied = ({ modules_to_save }: AdapterConfig, module: string) =>
  modules_to_save?.some((name) => name === module || name.endsWith(`.${module}`)) ?? false;

/**
 * Merges an adapter into the tensors of its base.
 *
 * The result computes what the base with the adapter beside it computes. Where the base has one matrix for embedding
 * and lm_head and the adapter changes one of them, that takes two: peft's own merge would change both.
 *
 * @param parameters of the base, by name, with `lm_head.weight` only if it is a matrix of its own.
 * @returns the tensors that take the place of the base's, by name.
 * @throws CheckpointError for a change of a parameter that the base does not have, or of another shape.
 */
export function applyAdapter(
  label: string,
  adapter: AdapterTensors,
  config: AdapterConfig,
  parameters: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, StoredTensor> {
  const merged = new Map(parameters);
  const faults: string[] = [];
  const edit = (name: string, change: (base: StoredTensor) => StoredTensor) => {
    const base = merged.get(name);
    if (base) merged.set(name, change(base));
    else faults.push(`${name} is not a parameter of the base`);
  };
  const embedding = parameters.get(EMBEDDING);
  const isTied = embedding !== undefined && !parameters.has(LM_HEAD);
  if (isTied) {
    // It may be stored under either name.
    merged.set(EMBEDDING, replaceWhole(embedding, embedding, EMBEDDING));
    merged.set(LM_HEAD, replaceWhole(embedding, embedding, LM_HEAD));
  }
  for (const [name, tensor] of adapter.saved) {
    edit(name, (base) => replaceWhole(base, tensor));
    const other = isTied && !isCopied(config, name.replace('.weight', '')) ? OTHER[name] : undefined;
    if (other && !adapter.saved.has(other)) edit(other, (base) => replaceWhole(base, tensor));
  }
  for (const [name, { ids, values }] of adapter.rows) {
    edit(name, (base) => {
      const beyond = ids.find((id) => id >= (base.shape[0] ?? 0));
      if (beyond !== undefined) faults.push(`${name} has no row ${beyond} in the base`);
      if (values.shape[1] !== base.shape[1])
        faults.push(`${name} is [${base.shape}] in the base, found rows [${values.shape}]`);
      return replaceRows(base, ids, values);
    });
    if (isTied && name === EMBEDDING) edit(LM_HEAD, (base) => replaceRows(base, ids, values));
  }
  for (const [name, change] of adapter.lowRank) {
    edit(name, (base) => {
      if (!fits(base, change))
        faults.push(`${name} is [${base.shape}] in the base, found an adapter for [${shapeOf(change)}]`);
      return mergeLowRank(base, change);
    });
    const { bias, scaling } = change;
    if (bias) edit(name.replace(/weight$/, 'bias'), (base) => mergeBias(base, bias, scaling));
  }
  if (faults.length > 0) {
    throw new CheckpointError(
      `${label} does not fit its base:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
  // Two saved matrices of one name each are compared later.
  const isStillTied = isTied && configChanges(adapter, config).tie_word_embeddings === undefined;
  if (isStillTied && !adapter.saved.has(LM_HEAD)) merged.delete(LM_HEAD);
  return merged;
}

/** @returns the shape of the weight that a change is for. */
function shapeOf({ layer, a, b }: LowRank): [number, number] {
  const [inputs = 0, outputs = 0] = [a.shape[1], b.shape[0]];
  return layer === 'linear' ? [outputs, inputs] : [inputs, outputs];
}

function fits(base: StoredTensor, change: LowRank): boolean {
  const [rows, columns] = shapeOf(change);
  return base.shape.at(-1) === columns && elementsOf(base.shape) === rows * columns;
}
