/**
 * @module The request of `POST /v1/chat/completions`. Names are OpenAI's, vLLM's for the fields that OpenAI lacks, and
 * TGI's. What asks for something that a GPT-2 does not have is refused, unless it means the default.
 */
import * as z from 'zod';
import { generationFields, MAX_LOGPROBS } from './generation-fields.ts';

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;

/** A list that may only be empty. The metadata says so in the OpenAPI document. */
const nothing = z
  .array(z.unknown())
  .max(0)
  .optional()
  .meta({ items: { not: {} }, description: 'Not available: only an empty list is accepted.' });
const unavailable = (...accepted: readonly string[]) =>
  z
    .literal([...accepted])
    .optional()
    .describe(`Not available: only ${accepted.map((value) => `"${value}"`).join(' and ')} is accepted.`);

const textPart = z.strictObject({
  type: z.literal('text').describe('A part is a text: GPT-2 reads no images or audio.'),
  text: z.string(),
});

const message = z.strictObject({
  role: z
    .enum(ROLES)
    .describe('Who speaks. `developer` is `system` for a template that does not know it; no role is added.'),
  content: z
    .union([z.string(), z.array(textPart).min(1)], {
      error: 'must be a string, or a list of parts of type text',
    })
    .describe(
      'A text, or a list of text parts: one line each, unless the template goes through parts itself.',
    ),
  name: z.string().optional().describe('For the template.'),
  tool_call_id: z.string().optional().describe('For the template.'),
  tool_calls: nothing,
  annotations: nothing,
});

export const chatSchema = z.strictObject({
  messages: z.array(message).min(1).describe('The chat so far, which the chat template turns into a prompt.'),
  max_completion_tokens: z
    .int()
    .min(0)
    .optional()
    .describe('Maximum number of generated tokens. Default: the space in context and cache.'),
  max_tokens: z.int().min(0).optional().describe('The older name of max_completion_tokens.'),
  logprobs: z
    .boolean()
    .default(false)
    .describe('Reports the log-probability of each token, in `choices[].logprobs.content`.'),
  top_logprobs: z
    .int()
    .min(0)
    .max(MAX_LOGPROBS)
    .default(0)
    .describe('Reports this many likeliest tokens at each position too; needs `logprobs`.'),

  // vLLM
  add_generation_prompt: z
    .boolean()
    .optional()
    .describe('Ends the prompt with what begins an answer. Default: true, unless a message is continued.'),
  continue_final_message: z
    .boolean()
    .default(false)
    .describe('The answer continues the last message; the prompt ends within it.'),
  echo: z
    .boolean()
    .default(false)
    .describe("Returns the last message's content before the text, if it is the assistant's."),
  add_special_tokens: z
    .literal(false)
    .optional()
    .describe('Only false is accepted: the template writes the special tokens.'),
  chat_template: z
    .string()
    .optional()
    .describe("The name of one of the model's chat templates. Default: `default`."),
  chat_template_kwargs: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Additional variables for the template.'),

  // What a GPT-2 does not have
  tools: nothing,
  tool_choice: unavailable('none', 'auto'),
  parallel_tool_calls: z.boolean().optional().describe('No effect: there are no tools.'),
  functions: nothing,
  function_call: unavailable('none', 'auto'),
  modalities: z
    .array(z.literal('text'))
    .min(1)
    .max(1)
    .optional()
    .describe('Not available: only ["text"] is accepted.'),
  reasoning_effort: unavailable('none'),
  verbosity: unavailable('medium'),
  store: z.literal(false).optional().describe('Not available: only false is accepted.'),
  metadata: z.strictObject({}).optional().describe('Not available: only an empty object is accepted.'),
  service_tier: unavailable('auto', 'default'),
  safety_identifier: z.string().max(256).optional().describe('The newer name of user.'),
  ...generationFields,
});

export type ChatCompletionRequest = z.output<typeof chatSchema>;
