/** @module Where a checkpoint's chat templates are read. */
import { describe, expect, it } from 'vitest';
import { readChatFiles } from '../../../../model-assets/checkpoint/chat-template.ts';
import type { Metadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';

/** Files by name; objects are JSON. */
function metadataOf(files: Readonly<Record<string, string | object>>): Metadata {
  const names = new Set(Object.keys(files));
  return {
    has: (name) => names.has(name),
    text: async (name) => {
      const file = files[name];
      return typeof file === 'object' ? JSON.stringify(file) : file;
    },
    list: async (folder) => [...names].filter((name) => name.startsWith(`${folder}/`)),
    origin: (name) => name,
  };
}

async function templatesOf(files: Readonly<Record<string, string | object>>, given?: string) {
  const { templates, sources } = await readChatFiles(metadataOf(files), given);
  return {
    sources,
    templates: Object.fromEntries([...templates].map(([name, { source }]) => [name, source])),
  };
}

const CONFIG = 'tokenizer_config.json';

describe('a chat template', () => {
  it('of its own file wins over the config, and that over the older file', async () => {
    const files = {
      'chat_template.jinja': 'a',
      [CONFIG]: { chat_template: 'b' },
      'chat_template.json': { chat_template: 'c' },
    };
    expect(await templatesOf(files)).toEqual({
      sources: ['chat_template.jinja'],
      templates: { default: 'a' },
    });
    const { 'chat_template.jinja': _, ...two } = files;
    expect((await templatesOf(two)).templates).toEqual({ default: 'b' });
    const one = { [CONFIG]: {}, 'chat_template.json': { chat_template: 'c' } };
    expect((await templatesOf(one)).templates).toEqual({ default: 'c' });
    expect((await templatesOf(files, 'd')).templates).toEqual({ default: 'd' });
  });

  it('has a name where there are several', async () => {
    const list = [
      { name: 'default', template: 'a' },
      { name: 'tool_use', template: 'b' },
    ];
    const expected = { default: 'a', tool_use: 'b' };
    expect((await templatesOf({ [CONFIG]: { chat_template: list } })).templates).toEqual(expected);
    expect((await templatesOf({ [CONFIG]: { chat_template: expected } })).templates).toEqual(expected);
  });

  it('may be one of several files: the folder has all but the default one, and can have that too', async () => {
    const files = {
      'additional_chat_templates/rag.jinja': 'c',
      'additional_chat_templates/README.md': '',
      'additional_chat_templates/.jinja': '',
      [CONFIG]: { chat_template: [{ name: 'of the config', template: 'b' }] },
    };
    // As transformers, without a default.
    expect((await templatesOf(files)).templates).toEqual({ rag: 'c' });
    const two = { ...files, 'chat_template.jinja': 'a' };
    expect(await templatesOf(two)).toEqual({
      sources: ['chat_template.jinja', 'additional_chat_templates/rag.jinja'],
      templates: { default: 'a', rag: 'c' },
    });
    const twice = { ...two, 'additional_chat_templates/default.jinja': 'd' };
    expect((await templatesOf(twice)).templates).toEqual({ default: 'd', rag: 'c' });
    expect((await templatesOf(twice, 'e')).templates).toEqual({ default: 'e' });
  });

  it('need not be there', async () => {
    for (const files of [{}, { [CONFIG]: {} }, { [CONFIG]: { chat_template: null } }]) {
      expect(await templatesOf(files)).toEqual({ sources: [], templates: {} });
    }
  });

  it.each([5, [{ name: 'a' }], ['a'], { a: 1 }])('that is %j is refused', async (chat_template) => {
    await expect(templatesOf({ [CONFIG]: { chat_template } })).rejects.toThrow(
      'tokenizer_config.json chat_template: expected a text, or a list of objects with name and template',
    );
  });
});
