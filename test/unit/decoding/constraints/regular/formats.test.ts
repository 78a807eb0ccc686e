/** @module JSON Schema's formats, judged by ajv-formats. */
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { formatLanguage } from '../../../../../decoding/constraints/regular/formats.ts';
import type { Language } from '../../../../../decoding/constraints/regular/language.ts';
import { utf8Frame } from '../../../../../decoding/constraints/regular/text-frames.ts';
import { seededRandom } from '../../../../../decoding/math/random.ts';
import { pick, Walker } from '../../../../support/text-walks.ts';

const ajv = new Ajv();
addFormats.default(ajv, { mode: 'full' });

const UUID = '123e4567-E89B-12d3-a456-426614174000';

/** What people write, and what no one should. */
const EXAMPLES: Readonly<Record<string, { valid: readonly string[]; invalid: readonly string[] }>> = {
  date: {
    valid: ['2024-02-29', '2000-02-29', '1999-12-31', '0000-01-01', '2023-04-30'],
    invalid: [
      '2023-02-29',
      '1900-02-29',
      '2023-04-31',
      '2023-13-01',
      '2023-00-10',
      '2023-1-1',
      '20230101',
      '',
    ],
  },
  time: {
    valid: ['12:00:00Z', '23:59:59.999+05:30', '00:00:00z', '23:59:60Z', '00:59:60+01:00', '22:59:60-01:00'],
    invalid: ['24:00:00Z', '12:00:00', '12:00Z', '12:60:00Z', '12:00:60Z', '12:00:00+24:00', '12:00:00.Z'],
  },
  'date-time': {
    valid: [
      '2024-02-29T12:00:00Z',
      '1985-04-12T23:20:50.52Z',
      '1990-12-31T23:59:60Z',
      '2020-01-01t00:00:00-08:00',
    ],
    invalid: ['2023-02-29T12:00:00Z', '2020-01-01', '2020-01-01T00:00:00', '2020-01-01 00:00:00'],
  },
  duration: {
    valid: ['P1Y', 'P1Y2M3D', 'PT1H30M', 'P1DT12H', 'P4W', 'PT36H', 'PT0S', 'P1Y2M3DT4H5M6S'],
    invalid: ['P', 'PT', 'P1', '1Y', 'P1W2D', 'P1.5Y', 'P1S', 'PT1D'],
  },
  email: {
    valid: ['joe.bloggs@example.com', 'a+b_c@sub.example-site.co.uk', "o'neil@example.org", '1@2.3'],
    invalid: [
      'joe',
      '@example.com',
      'joe@',
      '.joe@example.com',
      'joe..b@example.com',
      'a@-b.com',
      'a b@c.de',
    ],
  },
  hostname: {
    valid: [
      'example.com',
      'localhost',
      'a-b.c-d',
      'EXAMPLE.org',
      '1.2.3',
      'a'.repeat(63),
      `x.${'b'.repeat(63)}.example.com`,
      'ec2-203-0-113-25.compute-1.amazonaws.com',
    ],
    invalid: ['-a', 'a-', 'a..b', '', 'a_b', 'a'.repeat(64), 'é.com', `${'a.'.repeat(127)}a`],
  },
  ipv4: {
    valid: ['127.0.0.1', '255.255.255.255', '0.0.0.0'],
    invalid: ['256.0.0.1', '1.2.3', '01.2.3.4', '1.2.3.4.5'],
  },
  ipv6: {
    valid: [
      '::',
      '::1',
      '2001:db8::8a2e:370:7334',
      '::ffff:192.168.0.1',
      '1:2:3:4:5:6:7:8',
      '1::8',
      'fe80::A',
    ],
    invalid: [':', '1:2:3:4:5:6:7', '::1::', '12345::', '1:2:3:4:5:6:7:8:9', '::256.1.1.1', 'fe80::1%eth0'],
  },
  uri: {
    valid: [
      'https://example.com/a?b=c#d',
      'mailto:joe@example.com',
      'urn:isbn:0451450523',
      'ftp://[::1]:21/x',
      'http://a',
      'http://user:pw@host:80/%20',
      'file:///etc/hosts',
      'tel:+1-816-555-1212',
      'data:text/plain,hi',
    ],
    invalid: [
      'example.com',
      '//host',
      '/path',
      'http://a b',
      'http://[::1',
      'http://a/%2',
      '1http://a',
      'http://é',
    ],
  },
  'uri-reference': {
    valid: ['', '/a/b', '../x', '?q', '#f', '//host/path', 'a/b:c', 'https://example.com'],
    invalid: ['a b', '%zz', '\\', 'http://[x]', '#a#b'],
  },
  'uri-template': {
    valid: ['http://example.com/{user}/{?q,lang}', '{+path}/here', '{var:3}', '{list*}', 'plain', ''],
    invalid: ['{', '}', '{}', '{a', '{a:0}', '<', '%2'],
  },
  uuid: { valid: [UUID, UUID.toLowerCase()], invalid: [UUID.slice(1), `${UUID}0`, UUID.replaceAll('-', '')] },
  'json-pointer': { valid: ['', '/a/0/~0~1', '/', '/é "x"'], invalid: ['a', '/~', '/~2'] },
  'relative-json-pointer': { valid: ['0', '1/a/b', '0#', '10'], invalid: ['', '/a', '01', '1a', '-1'] },
};

const BY_RFC: typeof EXAMPLES = {
  'idn-email': {
    valid: ['δοκιμή@παράδειγμα.ελ', 'joe@example.com', 'josé@münchen.de'],
    invalid: ['joe', '@münchen.de', 'a@b'],
  },
  'idn-hostname': {
    valid: ['münchen.de', 'example.com', '例え.jp', 'שלום.il'],
    invalid: ['-ü', 'ü-', 'a·l', '\u0301a', 'Ünicode', 'a。b', ''],
  },
  iri: {
    valid: ['https://example.com/ü', 'http://münchen.de/?q=é#ß'],
    invalid: ['/ü', 'http://a b', 'http://\ue000/'],
  },
  'iri-reference': { valid: ['/ü', '#é', ''], invalid: ['ü ', '%', '\ud7fb\\'] },
};

const language = (name: string) => formatLanguage(name) as Language;

describe('the format', () => {
  it.each(Object.entries({ ...EXAMPLES, ...BY_RFC }))('%s has what is right', (name, { valid, invalid }) => {
    for (const text of valid) expect([text, language(name).has(text)]).toEqual([text, true]);
    for (const text of invalid) expect([text, language(name).has(text)]).toEqual([text, false]);
    expect(language(name)).toBe(formatLanguage(name));
    expect(language(name).dfa.labels.length).toBeLessThan(3_000);
  });

  it.each(Object.keys(EXAMPLES))('%s has only what ajv accepts', (name) => {
    const validate = ajv.compile({ type: 'string', format: name });
    const walker = new Walker(utf8Frame(language(name)) as NonNullable<ReturnType<typeof utf8Frame>>);
    const random = seededRandom(1);
    const drawn = Array.from({ length: 400 }, () => walker.draw(random, pick(random, [3, 12, 40, 300])));
    expect(drawn.filter((text) => !validate(text))).toEqual([]);
  });

  it.each(['date', 'time', 'ipv4', 'ipv6', 'json-pointer', 'email'])(
    '%s has all that ajv accepts nearby',
    (name) => {
      const validate = ajv.compile({ type: 'string', format: name });
      const walker = new Walker(utf8Frame(language(name)) as NonNullable<ReturnType<typeof utf8Frame>>);
      const random = seededRandom(2);
      const characters = name === 'time' ? '0123456789:.+-zZ' : '0123456789abcAF:.-+/=~@';
      const wrong: string[] = [];
      for (let i = 0; i < 2_000; i++) {
        const text = walker.draw(random, 20);
        const at = Math.floor(random() * (text.length + 1));
        const other =
          text.slice(0, at) + pick(random, [...characters, '']) + text.slice(at + Math.round(random()));
        // A time may have an offset without a colon there, or a leap second of any offset.
        if (!other.isWellFormed()) continue;
        if (name === 'time' && /:60|[+-]\d\d(\d\d)?$/.test(other)) continue;
        if (language(name).has(other) !== validate(other)) wrong.push(other);
      }
      expect(wrong).toEqual([]);
    },
  );

  it('of every date is exact', () => {
    const wrong: string[] = [];
    for (const year of ['1900', '2000', '2023', '2024', '2100', '0004', '0100', '0400']) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const text = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
          const date = new Date(`${text}T00:00:00Z`);
          const exists = !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(text);
          if (language('date').has(text) !== exists) wrong.push(text);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('is not there if it is not regular, or not known', () => {
    expect(formatLanguage('regex')).toBeUndefined();
    expect(formatLanguage('toString')).toBeUndefined();
  });
});
