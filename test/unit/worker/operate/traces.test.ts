/** @module The fields of the log as attributes of a span. */
import { expect, it } from 'vitest';
import { usageOf } from '../../../../worker/http/request-record.ts';
import { trace } from '../../../../worker/operate/traces.ts';

const RECORD = {
  id: 'a',
  method: 'POST',
  path: '/v1/completions',
  startedAt: 5,
  strategy: 'greedy' as const,
  stream: true,
  usage: usageOf(3, 4, 2),
};

function attributesOf(isTraced: boolean): object | undefined {
  let set: object | undefined;
  const setAttributes = (attributes: object) => {
    set = attributes;
  };
  trace({ tracing: { getActiveSpan: () => ({ isTraced, setAttributes }) } }, RECORD);
  return set;
}

it('has an attribute for each field of the log', () => {
  expect(attributesOf(true)).toEqual({
    'edgebeam.id': 'a',
    'edgebeam.method': 'POST',
    'edgebeam.path': '/v1/completions',
    'edgebeam.strategy': 'greedy',
    'edgebeam.stream': true,
    'edgebeam.usage.prompt_tokens': 3,
    'edgebeam.usage.completion_tokens': 4,
    'edgebeam.usage.total_tokens': 7,
    'edgebeam.usage.prompt_tokens_details.cached_tokens': 2,
  });
});

it('sets nothing on a span that is not recorded, or where there is none', () => {
  expect(attributesOf(false)).toBeUndefined();
  trace({}, RECORD);
  trace({ tracing: { getActiveSpan: () => undefined } }, RECORD);
});
