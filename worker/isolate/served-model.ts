/** @module A model in memory, and the tokenizer of its vocabulary. */
import type { ModelDefaults } from '../../decoding/options/model-defaults.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import type { Catalogues } from './catalogues.ts';
import type { ChatTemplates } from './chat-templates.ts';
import type { Constraints } from './constraints.ts';

export interface ServedModel {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly constraints: Constraints;
  readonly catalogues: Catalogues;
  /** Of decoding options that a request says nothing about. */
  readonly defaults: ModelDefaults;
  /** Of a model that chats. */
  readonly chat?: ChatTemplates;
}
