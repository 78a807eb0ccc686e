/** @module Chat templates: their text, and the bounds of their work. test/golden has those of transformers. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ChatTemplateError } from '../../../chat/errors.ts';
import { type Chat, type ChatMessage, ChatTemplate } from '../../../chat/template.ts';
import { chatml } from '../../support/chats.ts';

const user = { role: 'user', content: ' Hi, 猫! ' };
const assistant = { role: 'assistant', content: 'Hello.' };

const render = (source: string, chat: Partial<Chat> = {}) =>
  new ChatTemplate(source).render({
    messages: [user, assistant],
    addGenerationPrompt: true,
    continueFinalMessage: false,
    variables: { eos_token: '</s>' },
    ...chat,
  });

function errorOf(source: string, chat: Partial<Chat> = {}): ChatTemplateError {
  try {
    render(source, chat);
  } catch (error) {
    if (error instanceof ChatTemplateError) return error;
    throw error;
  }
  throw new Error(`no error: ${source}`);
}

describe('a text', () => {
  it.each([
    [
      '{% for m in messages %}{{ m.role }}:{{ m["content"] }}{{ eos_token }}{% endfor %}',
      'user: Hi, 猫! </s>assistant:Hello.</s>',
    ],
    ['{{ messages[0].content.strip() }}|{{ messages[0].content | trim | length }}', 'Hi, 猫!|6'],
    ["{{ 'xxaxx'.strip('x') }}{{ 'xxaxx'.lstrip('x') }}{{ 'xxaxx'.rstrip('x') }}", 'aaxxxxa'],
    ["{{ '\\ufeffa\\x1c'.strip() | length }}", '2'],
    ['{{ none }} {{ true }} {{ 1.0 }} {{ missing }}.', 'None True 1.0 .'],
    ["{{ 'a' ~ 1 ~ none ~ [1, 'b', true] }}", "a1None[1, 'b', True]"],
    ["{{ {'a': \"it's\", 'b': 'line\\n'} }}", `{'a': "it's", 'b': 'line\\n'}`],
    ["{{ '-' * 3 }}{{ 'aBC def' | capitalize }}", '---Abc def'],
    [
      "{{ [1, none, 'a', true, 2.0, ['b']] | join('-') }}|{{ ['a', none] | join(d='+') }}",
      "1-None-a-True-2.0-['b']|a+None",
    ],
    [
      "{{ messages | join(', ', attribute='role') }}|{{ messages | map(attribute='role') | join }}",
      'user, assistant|userassistant',
    ],
    // Python counts characters.
    ["{{ '😀é'[0] }}{{ '😀é'[1] }}{{ '😀é'[-2] }}{{ '😀é'[2] }}{{ '😀é'[2] is defined }}", '😀é😀False'],
    [
      '{% if not tools %}none{% endif %}{{ messages | tojson }}',
      'none[{"role": "user", "content": " Hi, 猫! "}, {"role": "assistant", "content": "Hello."}]',
    ],
    ['{% filter upper %}a{{ eos_token }}{% endfilter %}{% set x %} b {% endset %}{{ x | trim }}', 'A</S>b'],
    ['{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}', '321'],
    ['{% if add_generation_prompt %}\n  {{- "go" }}\n{%- endif %}\n', 'go'],
    ['a\r\nb', 'a\nb'],
    ["{{ strftime_now('%Y') | length }}", '4'],
    ['{% set messages = messages[1:] %}{{ messages | length }}', '1'],
    ["{{ 'hELLO wORLD' | title }}|{{ 'hELLO wORLD'.title() }}", 'Hello World|Hello World'],
    [
      '{{ "it\'s o\'NEIL l_mN 3d x/Y" | title }}|{{ "it\'s o\'NEIL l_mN 3d x/Y".title() }}',
      "It's O'neil L_mn 3d X/y|It'S O'Neil L_Mn 3D X/Y",
    ],
    ["{{ 'a-bC (dE) [fG] {hI} <jK>\u00a0l' | title }}", 'A-Bc (De) [Fg] {Hi} <Jk>\u00a0L'],
    ["{{ '\ufeffa ßa ὈΔΥΣΣΕΎΣ' | title }}|{{ 'ßa ὈΔΥΣΣΕΎΣ'.title() }}", '\ufeffa SSa Ὀδυσσεύς|Ssa Ὀδυσσεύς'],
    [
      "{{ ', '.join(['a', 'b']) }}|{{ '-'.join('a猫😀') }}|{{ ','.join({'a': 1, 'b': 2}) }}",
      'a, b|a-猫-😀|a,b',
    ],
    [
      '{% for i in range(7) %}{% if i is divisibleby 3 and not i is divisibleby(2) %}{{ i }}{% endif %}{% endfor %}',
      '3',
    ],
    [
      '{% set n = 2 %}{{ 4 is divisibleby n }} {{ 5 is not divisibleby(n + 1) }} {{ -6 is divisibleby(num=3) }}',
      'True True True',
    ],
    [
      "{{ 'x is divisibleby(3)' }} is divisibleby(3) {{ 3 is divisibleby 3 or false }}",
      'x is divisibleby(3) is divisibleby(3) True',
    ],
    ["{{ ' '.join('a  b'.split()) }}|{{ '+'.join([]) }}", 'a b|'],
    [
      "{% set t = 'a😀bcb' %}{{ t.find('b') }} {{ t.find('x') }} {{ t.find('b', 3) }} {{ t.find('b', -1, none) }} {{ t.find('b', 0, 2) }}",
      '2 -1 4 4 -1',
    ],
    [
      "{{ 'abc'.find('', 3) }} {{ 'abc'.find('', 4) }} {{ 'abc'.find('', 2, 1) }} {{ 'abcb'.find('b', -99, -3) }}",
      '3 -1 -1 -1',
    ],
  ])('of %s is as in jinja2', (source, text) => {
    expect(render(source)).toBe(text);
  });

  it('may use what the caller gives, in place of the names of the language', () => {
    expect(render('{{ range }}{{ seed }}', { variables: { range: 'a', seed: null } })).toBe('aNone');
  });

  it('ends within a continued message, with its white space as the template has it', () => {
    const chatml = '{% for m in messages %}[{{ m.role }}]{{ m.content }}[end]{% endfor %}';
    const continued = { addGenerationPrompt: false, continueFinalMessage: true };
    expect(render(chatml, continued)).toBe('[user] Hi, 猫! [end][assistant]Hello.');
    const spaced: ChatMessage[] = [user, { role: 'assistant', content: 'Once upon ' }];
    expect(render(chatml, { ...continued, messages: spaced })).toMatch(/\[assistant]Once upon $/);
    const trimmed = chatml.replace('m.content', 'm.content | trim');
    expect(render(trimmed, { ...continued, messages: spaced })).toMatch(/\[assistant]Once upon$/);
    const parts = [{ type: 'text', text: 'Once' } as const, { type: 'text', text: 'upon' } as const];
    const looped = '{% for m in messages %}{% for p in m.content %}({{ p.text }}){% endfor %}{% endfor %}';
    expect(render(looped, { ...continued, messages: [{ role: 'assistant', content: parts }] })).toBe(
      '(Once)(upon',
    );
  });
});

describe('an error', () => {
  it.each([
    ['{{ 1 +', 'syntax', ''],
    [`{{ ${'('.repeat(30_000)}`, 'syntax', ''],
    [' '.repeat(2000), 'syntax', 'more than 1024 characters of white space in a row'],
    ['a'.repeat(65_537), 'syntax', 'at most 65536 characters, and has 65537'],
    ["{{ raise_exception('no, 猫') }}", 'refused', 'no, 猫'],
    ["{{ 'a' + 1 }}", 'failed', 'cannot add StringValue and IntegerValue'],
    ["{{ 'a' + none }}", 'failed', ''],
    ['{{ messages | nonsense }}', 'failed', 'nonsense'],
    ["{{ ','.join(['a', 1]) }}", 'failed', 'join() takes texts, and item 1 is IntegerValue'],
    ['{{ 1 is divisibleby(0) }}', 'failed', 'division by zero'],
    ["{{ 'a' is divisibleby(3) }}", 'failed', 'divisibleby takes numbers'],
    ['{{ 1 is divisibleby() }}', 'failed', 'divisibleby takes numbers'],
    ['{{ 1 is divisibleby }}', 'failed', 'divisibleby'],
    ['{{ 4 | divisibleby(2) }}', 'failed', 'divisibleby'],
    ['{{ 4 is divisibleby eos_token.x }}', 'syntax', ''],
    ["{{ ','.join(5) }}", 'failed', 'join() takes a list, not IntegerValue'],
    ["{{ 'a'.find() }}", 'failed', 'find() takes a text, not nothing'],
    ["{{ 'a'.find('a', 'b') }}", 'failed', 'find() takes places that are integers, not StringValue'],
    ['{% macro f() %}{{ g() }}{% endmacro %}{{ f() }}', 'failed', ''],
  ])('of %.40s is %s', (source, reason, message) => {
    const error = errorOf(source);
    expect(error.reason).toBe(reason);
    expect(error.message).toContain(message);
  });

  it('quotes the beginning of what a template says', () => {
    const { message } = errorOf("{{ raise_exception('ab' * 100000) }}");
    expect(message).toMatch(/refuses this chat: abab/);
    expect(message.length).toBeLessThan(1100);
  });

  it.each([
    ['{{ messages[0].role }}', 'does not read the content'],
    ['{{ messages[0].content }}', 'changes or drops the last message'],
  ])('of a message that %s cannot continue says so', (source, message) => {
    const error = errorOf(source, { addGenerationPrompt: false, continueFinalMessage: true });
    expect(error).toMatchObject({ reason: 'refused', message: expect.stringContaining(message) });
  });
});

/** A text of 100,000 characters. */
const LONG = "{% set a = 'a' * 100000 %}";
const NESTED =
  '{% set ns = namespace(x=["a"]) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}';

describe('the work', () => {
  it.each([
    '{% for i in range(1000000000) %}a{% endfor %}',
    '{% for i in range(0, 1, 0.00000001) %}a{% endfor %}',
    '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x=['a']) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    `${NESTED}{{ ns.x }}`,
    `${NESTED}{{ ns.x | tojson }}`,
    `${NESTED}{{ ns.x | string }}`,
    `${NESTED}{{ ns.x | join }}`,
    `${LONG}{{ a | replace('a', a) }}`,
    `${LONG}{{ a.replace('', a) }}`,
    `${LONG}{% set f = a['replace'] %}{{ f('a', a) }}`,
    `${LONG}{{ range(1000) | join(a) }}`,
    `${LONG}{{ a.join(a) }}`,
    `${LONG}{% set b = 'a' * 50000 + 'b' %}{{ a.find(b) }}`,
    `${LONG}{{ a | indent(1000000000) }}`,
    `${LONG}{{ [[[1]]] | tojson(indent=1000000000) }}`,
    `${LONG}{{ [1, 2, 3] | tojson(separators=(a * 20, a * 20)) }}`,
    `${LONG}{{ a * 1000000 }}`,
    `${LONG}{% set b = 'a' * 50000 + 'b' %}{{ b in a }}`,
    `${LONG}{% for i in range(10000) %}{% if a | upper == 'x' %}{% endif %}{% endfor %}`,
    `${LONG}{% set b = [a, a, a, a] %}{% for i in range(1000) %}{% set c = b | sort %}{% endfor %}`,
    `${LONG}{% set b = {'x': a, 'y': a} %}{% for i in range(1000) %}{% set c = b.dictsort(by='value') %}{% endfor %}`,
  ])('of %s is bounded', (source) => {
    const start = process.cpuUsage();
    expect(errorOf(source).reason).toBe('limit');
    const { user, system } = process.cpuUsage(start);
    // Far above what it takes on a busy machine; without the bound each takes many seconds, or all of the memory.
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it('suffices for long chats', () => {
    const messages = Array.from({ length: 400 }, (_, i) =>
      i % 2 ? assistant : { ...user, content: 'word '.repeat(60) },
    );
    const source =
      "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{{ '<' + m.role + '>' + m.content.strip() + eos_token }}{% endfor %}";
    expect(render(source, { messages })).toHaveLength(
      (400 / 2) * ('<user>'.length + 299 + 4 + '<assistant>Hello.</s>'.length),
    );
  });
});

describe('parts of a content', () => {
  it.each([
    ['{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}', true],
    [
      "{% for m in messages %}{% for p in m['content'] if p.type == 'text' %}{{ p.text }}{% endfor %}{% endfor %}",
      true,
    ],
    ['{% set content = messages[0].content %}{% for p in content %}{{ p.text }}{% endfor %}', true],
    ['{% for m in messages %}{{ m.content }}{% endfor %}', false],
  ])('are read by %s: %s', (source, reads) => {
    expect(new ChatTemplate(source).readsParts).toBe(reads);
  });
});

it('the template of docs/chat.md is the one that its examples run with', async () => {
  const file = new URL('../../../docs/examples/chatml.jinja', import.meta.url);
  const messages = [user, assistant];
  expect(render(await readFile(file, 'utf8'), { messages })).toBe(chatml(...messages));
});
