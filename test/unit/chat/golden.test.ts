/** @module Chats as texts and ids, against transformers' apply_chat_template (test/golden/make-chat-golden.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ChatTemplateError } from '../../../chat/errors.ts';
import { type ChatMessage, ChatTemplate } from '../../../chat/template.ts';
import { folderMetadata, type Metadata } from '../../../model-assets/checkpoint/interface/metadata.ts';
import { buildTokenizer } from '../../../model-assets/tokenizer/build-tokenizer.ts';
import { Tokenizer } from '../../../tokenizer/tokenizer.ts';
import { DEFAULT_CHECKPOINT } from '../../golden/tokenizer-golden.ts';
import { GOLDEN } from '../../support/models.ts';

interface Row {
  readonly template: string;
  readonly chat: number;
  readonly options: { readonly add_generation_prompt?: boolean; readonly continue_final_message?: boolean };
  readonly text?: string;
  readonly ids?: readonly number[];
  readonly error?: string;
}

interface Golden {
  readonly tokenizer_config: object;
  readonly special_tokens: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
  readonly chats: readonly (readonly ChatMessage[])[];
  readonly rows: readonly Row[];
}

const golden: Golden = JSON.parse(readFileSync(join(GOLDEN, 'chat.json'), 'utf8'));
const folder = folderMetadata(DEFAULT_CHECKPOINT);
/** The embedded model's tokenizer with the golden file's config. */
const metadata: Metadata = {
  ...folder,
  text: async (name) =>
    name === 'tokenizer_config.json' ? JSON.stringify(golden.tokenizer_config) : await folder.text(name),
};

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = Tokenizer.read((await buildTokenizer(metadata)).bytes);
});

function render({ template, chat, options }: Row): string {
  return new ChatTemplate(golden.templates[template] ?? '').render({
    messages: golden.chats[chat] ?? [],
    addGenerationPrompt: options.add_generation_prompt ?? false,
    continueFinalMessage: options.continue_final_message ?? false,
    variables: golden.special_tokens,
  });
}

it('special tokens have the names and texts of transformers', async () => {
  expect((await buildTokenizer(metadata)).specialTokens).toEqual(golden.special_tokens);
});

describe.each(Object.keys(golden.templates))('the template %s', (name) => {
  const rows = golden.rows.filter(({ template }) => template === name);

  it('has the texts of transformers', () => {
    const texts = rows.filter(({ text }) => text !== undefined);
    expect(texts.length).toBeGreaterThan(5);
    for (const row of texts)
      expect([row.chat, row.options, render(row)]).toEqual([row.chat, row.options, row.text]);
  });

  it('refuses what transformers refuses', () => {
    for (const row of rows.filter(({ error }) => error !== undefined)) {
      expect(() => render(row), JSON.stringify(row)).toThrow(ChatTemplateError);
    }
  });

  it('has the ids of transformers', () => {
    for (const { text = '', ids } of rows.filter(({ ids }) => ids)) {
      expect([...tokenizer.encode(text, { addSpecialTokens: false })]).toEqual(ids);
    }
  });
});
