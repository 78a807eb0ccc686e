/** @module Reads a checkpoint's chat templates, as transformers does. */
import * as z from 'zod';
import { CheckpointError } from './interface/errors.ts';
import { type Json, type Metadata, readJson } from './interface/metadata.ts';

/** transformers' name of the template that chats use if they name none. */
const DEFAULT_TEMPLATE = 'default';

export interface ChatFiles {
  /** By name; the only one is `default`. */
  readonly templates: ReadonlyMap<string, { readonly source: string; readonly location: string }>;
  /** Names of the files that were read. */
  readonly sources: readonly string[];
}

const tokenizerConfig = 'tokenizer_config.json';
/** Older processors' file. */
const legacyFile = 'chat_template.json';
const templateFile = 'chat_template.jinja';
/** The folder with one file for each template but the default one. */
export const ADDITIONAL_TEMPLATES = 'additional_chat_templates';

const templateSchema = z.union([
  z.string(),
  z.array(z.object({ name: z.string().min(1), template: z.string() })),
  z.record(z.string().min(1), z.string()),
]);

/**
 * Files of their own win over `tokenizer_config.json`, all of whose templates they replace.
 *
 * @param given text of a template in place of the checkpoint's
 * @throws CheckpointError for a template that is not text, or a list of texts with names
 */
export async function readChatFiles(metadata: Metadata, given?: string): Promise<ChatFiles> {
  if (given !== undefined) return fromUser(given);
  return readTemplates(metadata, (await readJson(metadata, tokenizerConfig)) ?? {});
}

const fromUser = (source: string): ChatFiles => ({
  sources: [],
  templates: new Map([[DEFAULT_TEMPLATE, { source, location: '--chat-template' }]]),
});

async function readTemplates(metadata: Metadata, config: Json): Promise<ChatFiles> {
  const files = await templateFiles(metadata);
  if (files.templates.size > 0) return files;
  if (config.chat_template !== undefined && config.chat_template !== null) {
    return named(tokenizerConfig, `${tokenizerConfig} chat_template`, config.chat_template);
  }
  const legacy = await readJson(metadata, legacyFile);
  if (!legacy) return { sources: [], templates: new Map() };
  return named(legacyFile, `${legacyFile} chat_template`, legacy.chat_template);
}

/** As in transformers' tokenizers, the folder's `default` wins over the file beside it. */
async function templateFiles(metadata: Metadata): Promise<ChatFiles> {
  const additional = await metadata.list(ADDITIONAL_TEMPLATES);
  const templates = new Map<string, { source: string; location: string }>();
  for (const location of [templateFile, ...additional]) {
    const name = location === templateFile ? DEFAULT_TEMPLATE : additionalName(location);
    const source = name && (await metadata.text(location));
    if (name && source !== undefined) templates.set(name, { source, location });
  }
  return { sources: [...templates.values()].map(({ location }) => location), templates };
}

/** `tool_use` of `additional_chat_templates/tool_use.jinja`; none of other files. */
const additionalName = (path: string) =>
  path.endsWith('.jinja') ? path.slice(ADDITIONAL_TEMPLATES.length + 1, -'.jinja'.length) : undefined;

/** @param value a template, or several by name */
function named(file: string, location: string, value: unknown): ChatFiles {
  const parsed = templateSchema.safeParse(value);
  if (!parsed.success) {
    throw new CheckpointError(`${location}: expected a text, or a list of objects with name and template`);
  }
  const { data } = parsed;
  const byName = Array.isArray(data)
    ? data.map(({ name, template }) => [name, template] as const)
    : Object.entries(typeof data === 'string' ? { [DEFAULT_TEMPLATE]: data } : data);
  const isOnly = typeof data === 'string';
  const templates = byName.map(([name, source]) => {
    return [name, { source, location: isOnly ? location : `${location} "${name}"` }] as const;
  });
  return { sources: [file], templates: new Map(templates) };
}
