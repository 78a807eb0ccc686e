/** @module The session of a request. */
import { describe, expect, it } from 'vitest';
import { PREFIX_CHARACTERS, sessionKeyOf } from '../../../../worker/sessions/session-key.ts';

const LONG = 'A cat sat on a mat. '.repeat(20);
const IDS = Array.from({ length: 400 }, (_, i) => i);
const SYSTEM = { role: 'system', content: LONG };

describe('the session of a request', () => {
  it('is that of its user, whatever the prompt', () => {
    const sessions = ['', LONG, IDS].map((prompt) => sessionKeyOf({ user: 'ada', prompt }));
    expect(new Set(sessions)).toEqual(new Set([sessionKeyOf({ user: 'ada' })]));
    expect(sessionKeyOf({ user: 'bob' })).not.toBe(sessions[0]);
    expect(sessionKeyOf({ safety_identifier: 'ada' })).toBe(sessions[0]);
    expect(sessionKeyOf({ safety_identifier: null, user: 'ada' })).toBe(sessions[0]);
  });

  it.each([
    ['a prompt', { prompt: LONG }, { prompt: `${LONG} And then` }, { prompt: `x${LONG}` }],
    ['a batch', { prompt: [LONG, 'a'] }, { prompt: [`${LONG}!`] }, { prompt: ['a', LONG] }],
    ['token ids', { prompt: IDS }, { prompt: [...IDS, 1] }, { prompt: IDS.toReversed() }],
    ['a batch of token ids', { prompt: [IDS] }, { prompt: IDS }, { prompt: [IDS.toReversed()] }],
    ['inputs of TGI', { inputs: LONG }, { inputs: `${LONG}.` }, { inputs: LONG.toUpperCase() }],
    [
      'a chat',
      { messages: [SYSTEM] },
      { messages: [SYSTEM, { role: 'user', content: 'Hello' }] },
      { messages: [{ role: 'user', content: LONG }] },
    ],
  ])('is that of the beginning of %s', (_, body, longer, other) => {
    expect(sessionKeyOf(body)).toBeDefined();
    expect(sessionKeyOf(longer)).toBe(sessionKeyOf(body));
    expect(sessionKeyOf(other)).not.toBe(sessionKeyOf(body));
  });

  it('does not exist for a prompt that is short, or no prompt', () => {
    expect(sessionKeyOf({ prompt: LONG.slice(0, PREFIX_CHARACTERS - 1) })).toBeUndefined();
    for (const body of [{}, null, 'text', [], { prompt: 5 }, { prompt: [] }, { user: '' }, { user: 5 }]) {
      expect(sessionKeyOf(body)).toBeUndefined();
    }
  });
});
