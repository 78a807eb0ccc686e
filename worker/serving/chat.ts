/** @module The prompt of a chat: its text by the model's chat template, whatever the contract. */
import { ChatTemplateError } from '../../chat/errors.ts';
import type { Chat, ChatMessage, ChatTemplate } from '../../chat/template.ts';
import { ApiError, refuse } from '../http/errors.ts';
import type { ChatTemplates } from '../isolate/chat-templates.ts';
import type { ServedModel } from '../isolate/served-model.ts';
import { checkLength, type Prompt, promptOfText } from './request.ts';

export interface ChatRequest extends Chat {
  /** Name of a template. Default: the model's default one. */
  readonly template?: string | undefined;
  /** Whether a part of the text is used, however long it is. */
  readonly isPartial?: boolean;
  /** Whether special tokens are text, also those that the template writes. */
  readonly splitSpecialTokens?: boolean | undefined;
}

/** The contract's names of the fields, for error messages. */
export interface ChatFields {
  readonly messages: string;
  readonly template: string;
}

const DEFAULT_TEMPLATE = 'default';

/** @throws ApiError for a model without a chat template, and where the template has no text for the chat */
export async function promptOfChat(
  model: ServedModel,
  request: ChatRequest,
  fields: ChatFields,
): Promise<Prompt> {
  const { chat: templates } = model;
  if (!templates) throw noTemplate(model, fields);
  const { messages, isPartial = false } = request;
  // Bounds what the template works on.
  if (!isPartial) checkLength(model.engine, model.tokenizer, lengthOf(messages), fields.messages);
  const template = await templateOf(templates, request.template, fields);
  const chat = {
    ...request,
    messages: messages.map((message) => readable(template, message)),
    variables: { ...templates.specialTokens, ...request.variables },
  };
  const text = textOf(template, chat, fields);
  // As transformers does; whether special tokens are parsed is the tokenizer's own setting.
  return promptOfText(model, text, fields.messages, isPartial, {
    addSpecialTokens: false,
    splitSpecialTokens: request.splitSpecialTokens,
  });
}

function noTemplate({ engine }: ServedModel, fields: ChatFields): ApiError {
  const message =
    `The model '${engine.manifest.name}' has no chat template, which makes a text of '${fields.messages}': ` +
    'send a prompt to POST /v1/completions, or convert the model again with --chat-template FILE';
  return new ApiError(400, message, { param: fields.messages, code: 'no_chat_template' });
}

async function templateOf(
  templates: ChatTemplates,
  requested: string | undefined,
  fields: ChatFields,
): Promise<ChatTemplate> {
  const name = requested ?? DEFAULT_TEMPLATE;
  const { names } = templates;
  if (!names.includes(name)) {
    const rule = `must be the name of one of the model's chat templates, ${names.join(' or ')}`;
    refuse(fields.template, rule, JSON.stringify(requested?.slice(0, 40) ?? null));
  }
  try {
    return await templates.get(name);
  } catch (error) {
    if (!(error instanceof ChatTemplateError)) throw error;
    const message = `The model's chat template ${name} cannot be read: ${error.message}`;
    throw new ApiError(500, message, { code: 'chat_template_error' });
  }
}

/** In characters. */
function lengthOf(messages: readonly ChatMessage[]): number {
  const texts = messages.flatMap(({ content = '' }) =>
    typeof content === 'string' ? [content] : content.map(({ text }) => text),
  );
  return texts.reduce((sum, text) => sum + text.length, 0);
}

/** A message as the template can read it. */
function readable(template: ChatTemplate, { role, content, ...others }: ChatMessage): ChatMessage {
  // As in llama.cpp and vLLM, parts are lines for a template that knows no parts.
  const isList = typeof content === 'object' && !template.readsParts;
  return {
    // OpenAI's newer name of the same role.
    role: role === 'developer' && !template.mentions(role) ? 'system' : role,
    ...(content !== undefined && {
      content: isList ? content.map(({ text }) => text).join('\n') : content,
    }),
    ...others,
  };
}

function textOf(template: ChatTemplate, chat: Chat, fields: ChatFields): string {
  try {
    return template.render(chat);
  } catch (error) {
    if (!(error instanceof ChatTemplateError)) throw error;
    const message = `'${fields.messages}' have no text: ${error.message}`;
    throw new ApiError(400, message, { param: fields.messages, code: 'chat_template_error' });
  }
}
