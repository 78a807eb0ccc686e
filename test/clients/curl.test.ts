/** @module curl, the client without any interpretation of the answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  completionChunk,
  completionResponse,
  errorResponse,
} from '../../worker/contracts/openai/responses.ts';
import {
  CAT_TOKENS,
  CATS,
  catBias,
  expectAbortStops,
  fillCache,
  LONG_TOKENS,
  PROMPT,
  SERVER,
  STORY,
  TOO_MANY_TOKENS,
  waitUntilIdle,
} from '../support/clients.ts';
import { PERSON_SCHEMA, PERSON_TOKENS, PETS, personIn } from '../support/person.ts';

const STORY_REQUEST = { prompt: PROMPT, max_tokens: 24, temperature: 0 };

function start(body: object, ...flags: string[]) {
  const json = ['-H', 'content-type: application/json', '-d', JSON.stringify(body)];
  return spawn('curl', ['--no-progress-meter', ...flags, `${SERVER}/v1/completions`, ...json], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function curl(body: object, ...flags: string[]) {
  const child = start(body, ...flags);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)]);
  return { stdout, stderr, code };
}

async function exitOf(child: ChildProcess): Promise<unknown> {
  const [code] = (await once(child, 'exit')) as unknown[];
  return code;
}

async function choicesOf(body: object) {
  const { stdout } = await curl(body);
  return completionResponse.parse(JSON.parse(stdout)).choices;
}

async function chunksOf(body: object) {
  const { stdout } = await curl({ ...body, stream: true }, '-N');
  const events = stdout.split('\n\n').map((event) => event.replace(/^data: /, ''));
  expect(events.slice(-2)).toEqual(['[DONE]', '']);
  return events.slice(0, -2).map((data) => completionChunk.parse(JSON.parse(data)));
}

const textOf = (chunks: Awaited<ReturnType<typeof chunksOf>>) =>
  chunks.map(({ choices }) => choices[0]?.text ?? '').join('');

describe('curl', () => {
  it('completes, and streams the same text', async () => {
    const [choice] = await choicesOf(STORY_REQUEST);
    expect(choice?.text).toMatch(STORY);
    expect(textOf(await chunksOf(STORY_REQUEST))).toBe(choice?.text);
  });

  it('gets n texts with their logprobs', async () => {
    const choices = await choicesOf({ ...STORY_REQUEST, temperature: 1, n: 3, logprobs: 1 });
    expect(choices).toHaveLength(3);
    for (const { logprobs, text } of choices) expect(logprobs?.tokens.join('')).toBe(text);
  });

  it('gets the best beams, and streams the best one with all beams in between', async () => {
    const beams = { ...STORY_REQUEST, num_beams: 3 };
    const choices = await choicesOf({ ...beams, n: 2 });
    expect(choices).toHaveLength(2);
    const chunks = await chunksOf({ ...beams, stream_options: { include_beams: true } });
    expect(textOf(chunks)).toBe(choices[0]?.text);
    expect(chunks.filter((chunk) => chunk.beams)).toHaveLength(24);
  });

  it('gets a choice, and JSON of a schema, streamed or not', async () => {
    const [choice] = await choicesOf({ ...STORY_REQUEST, structured_outputs: { choice: PETS } });
    expect(PETS).toContain(choice?.text);
    const request = { ...STORY_REQUEST, max_tokens: PERSON_TOKENS, json_schema: PERSON_SCHEMA, num_beams: 2 };
    const [person] = await choicesOf(request);
    personIn(person?.text ?? '');
    expect(textOf(await chunksOf(request))).toBe(person?.text);
  });

  it('fails with the reason of a 400', async () => {
    const { code, stdout } = await curl({ ...STORY_REQUEST, temperature: 3 }, '--fail-with-body');
    expect(code).toBe(22);
    expect(errorResponse.parse(JSON.parse(stdout)).error.param).toBe('temperature');
  });

  it('retries a 503 with --retry', async () => {
    const request = { ...STORY_REQUEST, max_tokens: TOO_MANY_TOKENS };
    const release = await fillCache();
    const child = start(request, '--retry', '3');
    const answer = text(child.stdout);
    // curl reports the failed attempt before it waits for the server's retry-after.
    let stderr = '';
    for await (const piece of child.stderr.iterator({ destroyOnReturn: false })) {
      stderr += String(piece);
      if (stderr.includes('\n')) break;
    }
    expect(stderr).toMatch(/Will retry in 1 s/);
    release();
    expect(await answer).toContain('little girl named Lily');
    await waitUntilIdle();
  });

  it('stops the generation when it aborts', async () => {
    await expectAbortStops(async () => {
      const child = start(
        { ...STORY_REQUEST, max_tokens: LONG_TOKENS, ignore_eos: true, stream: true },
        '-N',
      );
      await once(child.stdout, 'data');
      child.kill();
      await exitOf(child);
    });
  });

  it('keeps characters of several tokens whole', async () => {
    const prompt = '从前 🐈 said “hé!” ';
    const sequence_bias = await catBias();
    const request = { ...STORY_REQUEST, prompt, echo: true, max_tokens: CAT_TOKENS, sequence_bias };
    expect((await choicesOf(request))[0]?.text).toBe(prompt + CATS);
    expect(textOf(await chunksOf(request))).toBe(prompt + CATS);
  });
});
