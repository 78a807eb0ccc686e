/**
 * @module Which files of a repository a conversion reads: the same choice as that of `openCheckpoint` and
 * `readVocabulary`, made before anything is there.
 */
import { INDEX, SINGLE } from '../checkpoint/checkpoint.ts';
import { HubError } from './errors.ts';

export interface NeededFiles {
  /** Config and tokenizer: small, and enough to know whether the model can be converted. */
  readonly metadata: readonly string[];
  /** `model.safetensors`, or the index that names its parts. */
  readonly weights: typeof SINGLE | typeof INDEX;
}

const OPTIONAL = [
  'generation_config.json',
  'added_tokens.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
];

/**
 * @param names of the files that are there
 * @param where the repository, for the error
 * @throws HubError if a file is missing without which nothing can be converted.
 */
export function chooseFiles(names: { has(name: string): boolean }, where: string): NeededFiles {
  const has = (name: string) => names.has(name);
  if (!has('config.json')) {
    throw new HubError(`${where} has no config.json: it is not a model in the format of transformers`);
  }
  const weights = ([SINGLE, INDEX] as const).find(has);
  if (weights === undefined) throw new HubError(`${where} ${withoutSafetensors(has)}`);
  const tokenizer = ['vocab.json', 'merges.txt'].every(has)
    ? ['vocab.json', 'merges.txt']
    : ['tokenizer.json'];
  if (!tokenizer.every(has)) {
    throw new HubError(`${where} has no tokenizer: expected vocab.json and merges.txt, or tokenizer.json`);
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
  if (other === undefined) return `has neither ${SINGLE} nor ${INDEX}: there are no weights to convert`;
  return (
    `has its weights as ${other} only, and ${SINGLE} is needed: https://huggingface.co/spaces/safetensors/convert ` +
    'opens a pull request with it, which --revision refs/pr/NUMBER then takes'
  );
}
