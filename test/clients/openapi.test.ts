/** @module The OpenAPI document, by OpenAPI's own schema, and the check that holds answers to it. */
import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from '../../worker/openapi/page-fields.ts';
import type { OpenApiDocument } from '../../worker/openapi/types.ts';
import { SERVER } from '../support/clients.ts';
import { OpenApiCheck } from '../support/openapi-check.ts';

const document = (await (await fetch(`${SERVER}/openapi.json`)).json()) as OpenApiDocument;
const check = new OpenApiCheck(document);
const { schemas } = document.components;

describe('the OpenAPI document', () => {
  it('is what OpenAPI 3.1 says', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document) as object as Record<string, unknown>);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('has the version of the package', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    expect(document.info.version).toBe((JSON.parse(text) as { version: string }).version);
  });

  it('says of every field of a request what it does', () => {
    const requests = Object.entries(schemas).filter(([name]) => name.endsWith('Request'));
    const silent = requests.flatMap(([name, schema]) =>
      fieldsOf(schema)
        .filter((field) => field.description === '' && !field.name.includes('[]'))
        .map((field) => `${name}.${field.name}`),
    );
    expect(silent).toEqual([]);
  });

  it('has a working example for every request', () => {
    const bodies = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { requestBody }]) =>
        requestBody ? [{ method, path, body: requestBody.content['application/json'] }] : [],
      ),
    );
    expect(bodies.length).toBeGreaterThan(5);
    for (const { method, path, body } of bodies) check.request({ method, path }, body.example);
  });
});

describe('the check', () => {
  const completions = { method: 'POST', path: '/v1/completions', status: 200 };
  const json = { ...completions, contentType: 'application/json' };
  const stream = { ...completions, contentType: 'text/event-stream' };
  const head = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'default' };
  const choice = { text: 'a', index: 0, logprobs: null, finish_reason: 'stop' };
  const usage = {
    prompt_tokens: 1,
    completion_tokens: 1,
    total_tokens: 2,
    prompt_tokens_details: { cached_tokens: 0 },
  };
  const whole = { ...head, choices: [choice], usage };
  const error = { error: { message: 'm', type: 'server_error', param: null, code: null } };
  const answer = (body: object, exchange = json) => check.answer(exchange, JSON.stringify(body));

  it('lets pass what is as documented', () => {
    answer(whole);
    answer(error, { ...json, status: 503 });
    answer({ error: 'm', error_type: 'validation' }, { ...json, path: '/generate', status: 422 });
    answer({ status: 'ok', ready: false }, { ...json, method: 'GET', path: '/health' });
    answer(error, { ...json, method: 'GET', status: 405 });
    answer(error, { ...json, path: '/nothing', status: 404 });
    check.event(stream, '[DONE]');
    check.event(stream, JSON.stringify({ ...head, choices: [{ ...choice, finish_reason: null }] }));
    check.event(stream, JSON.stringify(error));
    check.request(completions, { prompt: 'a', stop: null, top_k: null });
  });

  it.for<[string, () => void, RegExp]>([
    ['a field that is missing', () => answer(head), /required property "choices"/],
    ['a field that is not documented', () => answer({ ...whole, extra: 1 }), /additional properties/],
    ['a field of another type', () => answer({ ...whole, created: 'now' }), /#\/created/],
    [
      'another contract’s error',
      () => answer({ error: 'm', error_type: 'v' }, { ...json, status: 400 }),
      /#/,
    ],
    [
      'a status that is not documented',
      () => answer(error, { ...json, status: 402 }),
      /402 is not documented/,
    ],
    [
      'a content type that is not documented',
      () => answer(whole, { ...json, contentType: 'text/html' }),
      /text\/html/,
    ],
    ['an answer where there is no route', () => answer(whole, { ...json, path: '/no' }), /must be 404/],
    ['an answer to another method', () => answer(whole, { ...json, method: 'PUT' }), /must be 405/],
    ['an event that is none', () => check.event(stream, JSON.stringify(usage)), /an event of/],
    ['a request with an unknown field', () => check.request(completions, { promt: 'a' }), /the body of/],
    ['a body where none may be', () => check.answer({ ...json, method: 'HEAD' }, 'a'), /has a body/],
  ])('refuses %s', ([, wrong, message]) => {
    expect(wrong).toThrow(message);
  });
});
