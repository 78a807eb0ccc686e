/** @module The routes for operators: health, metrics, the prefix cache, and the API reference. */
import type { Contract } from '../../http/contract.ts';
import type { Records } from '../../operate/records.ts';
import { openaiErrors } from '../openai/errors.ts';
import { health, ready } from './health.ts';
import { metrics } from './metrics.ts';
import { resetPrefixCache } from './prefix-cache.ts';
import { docsHeaders, reference } from './reference.ts';

const answers = () => import('./responses.ts');

/** @param contracts of the whole app, for the API reference */
export function operation(records: Records, contracts: () => readonly Contract[]): Contract {
  const { openapi, docs } = reference(contracts);
  return {
    name: 'Operation',
    description: 'Health, metrics and reference, for operators.',
    errors: openaiErrors,
    routes: [
      {
        method: 'get',
        path: '/health',
        summary: 'Reports whether the model is loaded; with a key also the use of the heap',
        handler: health,
        response: { name: 'Health', schema: async () => (await answers()).healthResponse },
        open: true,
      },
      {
        method: 'get',
        path: '/health/ready',
        summary: 'Loads the model, and answers when it is loaded',
        handler: ready,
        response: { name: 'Ready', schema: async () => (await answers()).readyResponse },
        errors: [503],
        open: true,
      },
      {
        method: 'get',
        path: '/metrics',
        summary: 'Metrics of the answering isolate, for Prometheus',
        handler: metrics(records),
        text: 'text/plain',
      },
      {
        method: 'post',
        path: '/reset_prefix_cache',
        summary: 'Evicts the caller’s part of the answering isolate’s prefix cache (named as in vLLM)',
        handler: resetPrefixCache,
        response: { name: 'Reset', schema: async () => (await answers()).resetResponse },
        errors: [403],
      },
      {
        method: 'get',
        path: '/openapi.json',
        summary: 'This document',
        handler: openapi,
        text: 'application/json',
        open: true,
      },
      {
        method: 'get',
        path: '/docs',
        summary: 'This document as a page',
        handler: docs,
        middleware: [docsHeaders],
        text: 'text/html',
        open: true,
      },
    ],
  };
}
