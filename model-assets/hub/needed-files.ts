/**
 * @module Chooses the files of a repository that a conversion reads, before the download. The choice is the
 * same as in `openCheckpoint` and `buildTokenizer`.
 */
import { findWeights, WEIGHT_FILE_NAMES } from '../checkpoint/open-weights.ts';
import { HubError } from './errors.ts';

export interface NeededFiles {
  /** Config and tokenizer: small, and sufficient to check whether the model is supported. */
  readonly metadata: readonly string[];
  /** The file of the weights, e.g. `model.safetensors`, or the index of their shards. */
  readonly weights: { readonly label: string; readonly isIndex: boolean };
}

const OPTIONAL = [
  'generation_config.json',
  'added_tokens.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
];

/**
 * @param names of the repository's files
 * @param repository its name in errors
 * @throws HubError if a required file is missing.
 */
export function chooseFiles(names: { has(name: string): boolean }, repository: string): NeededFiles {
  const has = (name: string) => names.has(name);
  if (!has('config.json')) {
    throw new HubError(`${repository} has no config.json: it is not a model in the format of transformers`);
  }
  const weights = findWeights(has);
  if (weights === undefined) throw new HubError(`${repository} ${withoutWeights(has)}`);
  const tokenizer = has('tokenizer.json') ? ['tokenizer.json'] : ['vocab.json', 'merges.txt'];
  if (!tokenizer.every(has)) {
    throw new HubError(
      `${repository} has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt`,
    );
  }
  return { metadata: ['config.json', ...tokenizer, ...OPTIONAL.filter(has)], weights };
}

function withoutWeights(has: (name: string) => boolean): string {
  const other = ['tf_model.h5', 'flax_model.msgpack'].find(has);
  if (other === undefined) return `has no weights to convert: expected one of ${WEIGHT_FILE_NAMES}`;
  return (
    `has its weights as ${other} only: save them with transformers before version 5, ` +
    `from_pretrained(…, from_${other.startsWith('tf') ? 'tf' : 'flax'}=True).save_pretrained(FOLDER)`
  );
}
