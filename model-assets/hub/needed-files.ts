/**
 * @module Chooses the files of a repository that a conversion reads, before the download. The choice is the
 * same as in `openCheckpoint` and `buildTokenizer`.
 */
import { INDEX, SINGLE_FILE } from '../checkpoint/open-weights.ts';
import { HubError } from './errors.ts';

export interface NeededFiles {
  /** Config and tokenizer: small, and sufficient to check whether the model is supported. */
  readonly metadata: readonly string[];
  /** `model.safetensors`, or the index of its shards. */
  readonly weights: typeof SINGLE_FILE | typeof INDEX;
}

const OPTIONAL = [
  'generation_config.json',
  'added_tokens.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
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
  const weights = ([SINGLE_FILE, INDEX] as const).find(has);
  if (weights === undefined) throw new HubError(`${repository} ${withoutSafetensors(has)}`);
  const tokenizer = has('tokenizer.json') ? ['tokenizer.json'] : ['vocab.json', 'merges.txt'];
  if (!tokenizer.every(has)) {
    throw new HubError(
      `${repository} has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt`,
    );
  }
  return { metadata: ['config.json', ...tokenizer, ...OPTIONAL.filter(has)], weights };
}

function withoutSafetensors(has: (name: string) => boolean): string {
  const other = [
    'pytorch_model.bin',
    'pytorch_model.bin.index.json',
    'tf_model.h5',
    'flax_model.msgpack',
  ].find(has);
  if (other === undefined) return `has neither ${SINGLE_FILE} nor ${INDEX}: there are no weights to convert`;
  return (
    `has its weights as ${other} only, and ${SINGLE_FILE} is required: ` +
    'https://huggingface.co/spaces/safetensors/convert opens a pull request with it; ' +
    'then use --revision refs/pr/NUMBER'
  );
}
