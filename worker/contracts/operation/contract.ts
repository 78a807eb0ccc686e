/** @module The routes for those who run a deployment. */
import type { Contract } from '../../http/contract.ts';
import type { Records } from '../../operate/records.ts';
import { openaiErrors } from '../openai/errors.ts';
import { health, ready } from './health.ts';
import { metrics } from './metrics.ts';
import { docsHeaders, reference } from './reference.ts';
import { healthResponse, readyResponse, resetResponse } from './responses.ts';

/** @param contracts all of the app, for the reference */
export function operation(records: Records, contracts: () => readonly Contract[]): Contract {
  const { openapi, docs } = reference(contracts);
  return {
    name: 'Operation',
    description: 'For those who run it.',
    errors: openaiErrors,
    routes: [
      {
        method: 'get',
        path: '/health',
        summary: 'Whether it is up, and whether the model is in memory; with a key also the use of the heap',
        handler: health,
        response: { name: 'Health', schema: healthResponse },
        open: true,
      },
      {
        method: 'get',
        path: '/health/ready',
        summary: 'Loads the model, and answers when it is in memory',
        handler: ready,
        response: { name: 'Ready', schema: readyResponse },
        errors: [503],
        open: true,
      },
      {
        method: 'get',
        path: '/metrics',
        summary: 'Counters of the isolate that answers, for Prometheus',
        handler: metrics(records),
        text: 'text/plain',
      },
      {
        method: 'post',
        path: '/reset_prefix_cache',
        summary: 'Evicts the prefix cache of the isolate that answers (vLLM’s name)',
        handler: (c) => c.json({ tokens: c.get('model').loaded?.engine.resetPrefixCache() ?? 0 }),
        response: { name: 'Reset', schema: resetResponse },
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
        summary: 'The same as a page',
        handler: docs,
        middleware: [docsHeaders],
        text: 'text/html',
        open: true,
      },
    ],
  };
}
