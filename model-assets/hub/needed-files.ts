/**
 * @module Chooses the files of a repository that a conversion reads, before the download. The choice is the
 * same as in `openCheckpoint` and `buildTokenizer`.
 */
import { ADAPTER_WEIGHT_FILES } from '../checkpoint/adapter-source.ts';
import { ADDITIONAL_TEMPLATES } from '../checkpoint/chat-template.ts';
import { findWeights, WEIGHT_FILE_NAMES, type WeightsEntry } from '../checkpoint/open-weights.ts';
import { HubError } from './errors.ts';

export interface NeededFiles {
  /** Config and tokenizer: small, and sufficient to check whether the model is supported. */
  readonly metadata: readonly string[];
  /** The file of the weights, e.g. `model.safetensors`, or the index of their shards. */
  readonly weights: Pick<WeightsEntry, 'label' | 'isIndex'>;
  /** Whether it is a LoRA adapter, whose base is another model. */
  readonly isAdapter: boolean;
}

export const ADAPTER_CONFIG = 'adapter_config.json';

const OPTIONAL = [
  'generation_config.json',
  'added_tokens.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'chat_template.json',
];

/** The path becomes one in the cache: no folders within the folder. */
const TEMPLATE = new RegExp(`^${ADDITIONAL_TEMPLATES}/[^/\\\\\\0]+\\.jinja$`);

/** Instead of `tokenizer.json`: of GPT-2, BERT and SentencePiece. */
const VOCABULARIES = [
  ['vocab.json', 'merges.txt'],
  ['vocab.txt'],
  ['spiece.model'],
  ['tokenizer.model'],
  ['sentencepiece.bpe.model'],
  ['spm.model'],
];

/**
 * @param names of the repository's files
 * @param repository its name in errors
 * @param needsTokenizer whether its tokenizer is used
 * @param named the weights that its `config.json` names, if it does
 * @throws HubError if a required file is missing.
 */
export function chooseFiles(
  names: ReadonlyMap<string, unknown> | ReadonlySet<string>,
  repository: string,
  needsTokenizer = true,
  named?: NeededFiles['weights'],
): NeededFiles {
  const has = (name: string) => names.has(name);
  const templates = [...names.keys()].filter((name) => TEMPLATE.test(name));
  if (has(ADAPTER_CONFIG)) return adapterFiles(has, repository, templates);
  if (!has('config.json')) {
    throw new HubError(`${repository} has no config.json: it is not a model in the format of transformers`);
  }
  if (named && !has(named.label))
    throw new HubError(`${repository} has no file ${named.label}, which its config.json names`);
  const weights = named ?? findWeights(has);
  if (weights === undefined) throw new HubError(`${repository} ${withoutWeights(has)}`);
  const tokenizer = tokenizerFiles(has);
  if (needsTokenizer && tokenizer.length === 0) {
    const others = VOCABULARIES.map((names) => names.join(' and ')).join(', or ');
    throw new HubError(`${repository} has no tokenizer: expected tokenizer.json, or ${others}`);
  }
  const metadata = ['config.json', ...tokenizer, ...OPTIONAL].filter(has).concat(templates);
  return { metadata, weights, isAdapter: false };
}

/** An adapter takes precedence over a checkpoint beside it. Its tokenizer may be that of its base. */
function adapterFiles(
  has: (name: string) => boolean,
  repository: string,
  templates: readonly string[],
): NeededFiles {
  const label = ADAPTER_WEIGHT_FILES.find(has);
  if (label === undefined) {
    const expected = ADAPTER_WEIGHT_FILES.join(' or ');
    throw new HubError(
      `${repository} has ${ADAPTER_CONFIG}, and no weights of an adapter: expected ${expected}`,
    );
  }
  const metadata = [ADAPTER_CONFIG, ...tokenizerFiles(has), ...OPTIONAL.filter(has), ...templates];
  return { metadata, weights: { label, isIndex: false }, isAdapter: true };
}

/** Without `tokenizer.json`, the tokenizer's class decides which of its vocabularies is read. */
function tokenizerFiles(has: (name: string) => boolean): readonly string[] {
  if (has('tokenizer.json')) return ['tokenizer.json'];
  return VOCABULARIES.filter((names) => names.every(has)).flat();
}

function withoutWeights(has: (name: string) => boolean): string {
  const other = ['tf_model.h5', 'flax_model.msgpack'].find(has);
  if (other === undefined) return `has no weights to convert: expected one of ${WEIGHT_FILE_NAMES}`;
  return (
    `has its weights as ${other} only: save them with transformers before version 5, ` +
    `from_pretrained(…, from_${other.startsWith('tf') ? 'tf' : 'flax'}=True).save_pretrained(FOLDER)`
  );
}
