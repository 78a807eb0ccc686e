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

/**
 * @param untie whether an adapter of embedding or lm_head gives the model two matrices.
 */
export function configChanges(adapter: AdapterTensors, config: AdapterConfig, untie: boolean): ConfigChanges {
  const rows = (adapter.saved.get(EMBEDDING) ?? adapter.saved.get(LM_HEAD))?.shape[0];
  const isUntied = isAnyCopied(config) || (untie && changesOneEnd(adapter));
  return { ...(rows !== undefined && { vocab_size: rows }), ...(isUntied && { tie_word_embeddings: false }) };
}

/** Whether embedding or lm_head have an adapter: where they are one matrix, peft merges it into both. */
export const changesOneEnd = ({ lowRank }: AdapterTensors): boolean =>
  lowRank.has(EMBEDDING) || lowRank.has(LM_HEAD);

/** A module that was trained in full is a copy: where it was one with another, it is not any more. */
const isCopied = ({ modules_to_save }: AdapterConfig, parameter: string) => {
  const module = parameter.replace(/\.weight$/, '');
  return modules_to_save?.some((name) => name === module || name.endsWith(`.${module}`)) ?? false;
};

const isAnyCopied = (config: AdapterConfig) => isCopied(config, EMBEDDING) || isCopied(config, LM_HEAD);

/**
 * Merges an adapter into the tensors of its base, as peft's `merge_and_unload` does.
 *
 * @param parameters of the base, by name, with `lm_head.weight` only if it is a matrix of its own.
 * @param untie whether, where the base has one matrix for embedding and lm_head, an adapter of one of them changes that
 *   end alone, as the adapter does beside its base.
 * @returns the tensors that take the place of the base's, by name.
 * @throws CheckpointError for a change of a parameter that the base does not have, or of another shape.
 */
export function applyAdapter(
  label: string,
  adapter: AdapterTensors,
  config: AdapterConfig,
  parameters: ReadonlyMap<string, StoredTensor>,
  untie: boolean,
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
  /** The other end, if what changes `name` changes it too. */
  const otherEnd = (name: string) => (isTied && !isAnyCopied(config) ? OTHER[name] : undefined);
  for (const [name, tensor] of adapter.saved) {
    edit(name, (base) => replaceWhole(base, tensor));
    const other = isTied && !isCopied(config, name) ? OTHER[name] : undefined;
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
    const other = otherEnd(name);
    if (other) edit(other, (base) => replaceRows(base, ids, values));
  }
  for (const [name, change] of inOrder(adapter.lowRank)) {
    edit(name, (base) => {
      if (!fits(base, change))
        faults.push(`${name} is [${base.shape}] in the base, found an adapter for [${shapeOf(change)}]`);
      return mergeLowRank(base, change);
    });
    const other = untie ? undefined : otherEnd(name);
    if (other) edit(other, (base) => mergeLowRank(base, change));
    const { bias, scaling } = change;
    if (bias) edit(name.replace(/weight$/, 'bias'), (base) => mergeBias(base, bias, scaling));
  }
  if (faults.length > 0) {
    throw new CheckpointError(
      `${label} does not fit its base:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
  }
  // Two saved matrices are compared later.
  const { tie_word_embeddings } = configChanges(adapter, config, untie);
  if (isTied && tie_word_embeddings === undefined && !adapter.saved.has(LM_HEAD)) merged.delete(LM_HEAD);
  return merged;
}

/** The embedding first: where it is the lm_head too, the order of two changes counts, and this is peft's. */
function inOrder(changes: AdapterTensors['lowRank']): [string, LowRank][] {
  return [...changes].sort(([a], [b]) => Number(b === EMBEDDING) - Number(a === EMBEDDING));
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
