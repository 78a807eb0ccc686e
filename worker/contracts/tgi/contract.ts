/** @module The contract of Hugging Face's Text Generation Inference (TGI). */
import type { Contract } from '../../http/contract.ts';
import { toSession } from '../../sessions/forward.ts';
import { tgiErrors } from './errors.ts';
import { compatGenerate, generate, generateStream } from './generate.ts';
import { compatSchema, generateSchema, generateStreamSchema, tokenizeSchema } from './schema.ts';
import { info, tokenize } from './tokenize.ts';

const answers = () => import('./responses.ts');

const example = { inputs: 'Once upon a time', parameters: { max_new_tokens: 20 } };
const event = { name: 'StreamEvent', schema: async () => (await answers()).eventOfStream };

export const tgi: Contract = {
  name: 'Text Generation Inference',
  description: 'The API of Hugging Face’s inference server (TGI).',
  errors: tgiErrors,
  routes: [
    {
      method: 'post',
      path: '/',
      summary: 'Continues a text, streamed or not',
      middleware: [toSession],
      handler: compatGenerate,
      request: { name: 'CompatRequest', schema: compatSchema, example },
      response: { name: 'CompatResponse', schema: async () => (await answers()).compatResponse },
      event,
      errors: [404],
    },
    {
      method: 'post',
      path: '/generate',
      summary: 'Continues a text',
      middleware: [toSession],
      handler: generate,
      request: { name: 'GenerateRequest', schema: generateSchema, example },
      response: { name: 'GenerateResponse', schema: async () => (await answers()).generateResponse },
      errors: [404],
    },
    {
      method: 'post',
      path: '/generate_stream',
      summary: 'Continues a text, as a stream of tokens',
      middleware: [toSession],
      handler: generateStream,
      request: { name: 'GenerateStreamRequest', schema: generateStreamSchema, example },
      event,
      errors: [404],
    },
    {
      method: 'post',
      path: '/tokenize',
      summary: 'Returns the tokens of a text, with their offsets',
      handler: tokenize,
      request: { name: 'TokenizeRequest', schema: tokenizeSchema, example: { inputs: 'Once upon a time' } },
      response: { name: 'TokenizeResponse', schema: async () => (await answers()).tokenizeResponse },
    },
    {
      method: 'get',
      path: '/info',
      summary: 'Describes the model and its limits',
      handler: info,
      response: { name: 'Info', schema: async () => (await answers()).infoResponse },
    },
  ],
};
