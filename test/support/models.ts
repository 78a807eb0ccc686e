/** @module Paths of the converted test models, which `global-setup.ts` creates. */
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export const GOLDEN = join(ROOT, 'test', 'golden');
export const TEST_MODELS = join(ROOT, 'model-assets', 'dist', 'test');
export const DEFAULT_INT8 = join(TEST_MODELS, 'default-int8');
export const DEFAULT_INT4 = join(TEST_MODELS, 'default-int4');
export const DEFAULT_F32 = join(TEST_MODELS, 'default-f32');
/** The embedded model with a chat template. */
export const CHAT_INT8 = join(TEST_MODELS, 'chat-int8');
/** The embedded model with LoRA adapters. */
export const ADAPTERS_INT8 = join(TEST_MODELS, 'adapters-int8');
export const ODD_F32 = join(TEST_MODELS, 'odd-f32');
export const ODD_INT4 = join(TEST_MODELS, 'odd-int4');
/** Models with tokenizers of other kinds, by the names of test/golden/tokenizer-kinds.ts. */
export const KINDS = ['bert-cased-vocab-txt', 't5-spiece', 'llama-spm', 'word-level-no-unk'] as const;
export const kindModel = (name: string): string => join(TEST_MODELS, `kind-${name}`);
export const ODD_INT8 = join(TEST_MODELS, 'odd-int8');
