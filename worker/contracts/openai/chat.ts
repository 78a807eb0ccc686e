/** @module `POST /v1/chat/completions` of OpenAI's contract. */
import type { Context } from 'hono';
import { dotted, preview } from '../../../decoding/options/describe-issue.ts';
import type { Manifest } from '../../../model-assets/format/manifest.ts';
import type { AppEnv } from '../../http/env.ts';
import { refuse } from '../../http/errors.ts';
import { parsedWithGiven } from '../../http/given-fields.ts';
import { jsonObject } from '../../http/json-stream.ts';
import { adapterNames } from '../../serving/adapters.ts';
import { promptOfChat } from '../../serving/chat.ts';
import type { GenerationEvent } from '../../serving/events.ts';
import { refuseHealing } from '../../serving/heal.ts';
import type { Prompt } from '../../serving/request.ts';
import { answerWhole, beginGeneration } from '../../serving/respond.ts';
import { servedModel } from '../../serving/served-model.ts';
import { ChatChoices, type ChatReport } from './chat-choices.ts';
import { type ChatCompletionRequest, chatSchema } from './chat-schema.ts';
import { requestedAdapter } from './models.ts';
import { chunksOf, headOf, streamChunks } from './stream.ts';
import { generationOf, type SharedRequest, truncated, usesPart } from './translate.ts';

export async function chatCompletions(c: Context<AppEnv>): Promise<Response> {
  const { request, given } = await parsedWithGiven(c, chatSchema, { nameOf });
  const model = await servedModel(c);
  const { manifest } = model.engine;
  const requested = deployedName(manifest, c.req.path, request.model);
  const adapter = requestedAdapter(manifest, { model: requested, lora_path: request.lora_path });
  const servedName = adapter?.name ?? manifest.name;
  const shared = sharedOf(request);
  const prompts = truncated(model, [await promptOf(model, request)], shared);
  const user = request.safety_identifier ?? request.user;
  if (user) c.get('record').user = user;
  const fields = { prompt: 'messages', maxTokens: maxTokensName(request), logprobs: 'top_logprobs' };
  const { logprobs, prompt_logprobs } = shared;
  const report = {
    ...(logprobs !== undefined && { logprobs }),
    ...(prompt_logprobs !== undefined && { prompt_logprobs }),
  };
  const generation = generationOf(model, shared, { prompts, report, fields, given });
  const generationRequest = { ...generation, adapter };
  const choices = new ChatChoices(model.tokenizer, reportOf(request));
  if (!request.stream) {
    const head = headOf('chatcmpl', 'chat.completion', servedName);
    return answerWhole(c, model, generationRequest, (answer) =>
      jsonObject({
        ...head,
        choices: choices.whole(answer),
        prompt_logprobs: choices.ofPrompt(answer, prompt_logprobs),
        usage: answer.usage,
      }),
    );
  }
  const head = headOf('chatcmpl', 'chat.completion.chunk', servedName);
  const chunks = (event: GenerationEvent) => chunksOf(event, choices.pieces(event));
  const running = await beginGeneration(c, model, generationRequest);
  return streamChunks(c, { head, chunks, generation: running, options: request.stream_options });
}

/** As OpenAI writes them: `messages[1].content`. */
function nameOf(path: readonly PropertyKey[]): string {
  const [first] = path;
  if (first !== 'messages') return dotted(path);
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

/** Names that clients of an endpoint send which has one model: TGI's, and huggingface_hub's. */
const ANY_MODEL: ReadonlySet<string> = new Set(['tgi', 'dummy']);

/** The model that a request asks for; undefined for whichever is deployed. */
function deployedName(manifest: Manifest, path: string, requested: string | undefined): string | undefined {
  if (requested === undefined || adapterNames(manifest).includes(requested)) return requested;
  const { name } = manifest;
  if (ANY_MODEL.has(requested) || /^https?:\/\//.test(requested)) return undefined;
  // Workers AI's names are `@cf/vendor/name`.
  return path.startsWith('/ai/') && requested.endsWith(`/${name}`) ? name : requested;
}

/** The fields that completions have too, under their names. */
function sharedOf(request: ChatCompletionRequest): SharedRequest {
  const { max_tokens, max_completion_tokens, logprobs, top_logprobs, ...others } = request;
  if (
    max_tokens !== undefined &&
    max_completion_tokens !== undefined &&
    max_tokens !== max_completion_tokens
  ) {
    refuse('max_tokens', `must be ${max_completion_tokens}, as 'max_completion_tokens' is`, max_tokens);
  }
  if (top_logprobs > 0 && !logprobs)
    refuse('top_logprobs', "must be 0 where 'logprobs' is false", top_logprobs);
  return {
    ...others,
    max_tokens: max_completion_tokens ?? max_tokens,
    ...(logprobs && { logprobs: top_logprobs }),
  };
}

const maxTokensName = ({ max_completion_tokens }: ChatCompletionRequest) =>
  max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens';

/** Variables of the template that have a field of their own. */
const OWN_FIELDS = [
  'messages',
  'add_generation_prompt',
  'continue_final_message',
  'tools',
  'documents',
] as const;

function promptOf(
  model: Parameters<typeof promptOfChat>[0],
  request: ChatCompletionRequest,
): Promise<Prompt> {
  const { messages, continue_final_message, chat_template_kwargs } = request;
  const { add_generation_prompt = !continue_final_message } = request;
  if (add_generation_prompt && continue_final_message) {
    refuse('add_generation_prompt', "must be false where 'continue_final_message' is true", true);
  }
  if (!continue_final_message) {
    refuseHealing(
      request.token_healing,
      "'continue_final_message' is not true: the prompt ends in what the chat template writes",
    );
  }
  const own = OWN_FIELDS.find((name) => Object.hasOwn(chat_template_kwargs, name));
  if (own) {
    const rule = 'must not be given: it is not for the template alone';
    refuse(`chat_template_kwargs.${own}`, rule, preview(chat_template_kwargs[own]));
  }
  const chat = {
    messages: messages.map(({ tool_calls, annotations, ...message }) => message),
    addGenerationPrompt: add_generation_prompt,
    continueFinalMessage: continue_final_message,
    variables: chat_template_kwargs,
    template: request.chat_template,
    splitSpecialTokens: request.split_special_tokens,
    isPartial: usesPart(request),
  };
  return promptOfChat(model, chat, { messages: 'messages', template: 'chat_template' });
}

function reportOf({ echo, messages, ...request }: ChatCompletionRequest): ChatReport {
  const last = messages.at(-1);
  const content = echo && last?.role === 'assistant' ? last.content : '';
  return {
    echoed: typeof content === 'string' ? content : content.map(({ text }) => text).join('\n'),
    logprobs: request.logprobs,
    tokensAsIds: request.return_tokens_as_token_ids,
  };
}
