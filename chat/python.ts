/**
 * @module What Python does where a template's text depends on it: white space, the text of values, and dates.
 * Chat templates are written for jinja2.
 */

/** `str.isspace`: unlike JavaScript's, it has the separators U+001C to U+001F and U+0085, and no U+FEFF. */
export const WHITE_SPACE =
  '\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a' +
  '\u2028\u2029\u202f\u205f\u3000';

export type StripMethod = 'strip' | 'lstrip' | 'rstrip';

/**
 * `str.strip`, `str.lstrip` and `str.rstrip`.
 * @param characters to remove, each of them; default: white space
 */
export function stripped(text: string, method: StripMethod, characters: string = WHITE_SPACE): string {
  const removed = new Set(characters);
  const points = [...text];
  let start = 0;
  let end = points.length;
  if (method !== 'rstrip') while (start < end && removed.has(points[start] as string)) start++;
  if (method !== 'lstrip') while (end > start && removed.has(points[end - 1] as string)) end--;
  return points.slice(start, end).join('');
}

/** A value of a template, in the classes of `@huggingface/jinja`. */
export interface TemplateValue {
  readonly type: string;
  readonly value: unknown;
}

/**
 * `str` of a value: what `{{ value }}` writes.
 * @param visit called with the characters of each part, before the next one is made
 * @throws what `visit` throws
 */
export function pythonText(value: TemplateValue, visit: (characters: number) => void): string {
  if (value.type === 'StringValue') return String(value.value);
  if (value.type === 'UndefinedValue') return '';
  return representation(value, visit);
}

/** `repr` of a value; as `pythonText`. */
export function representation(value: TemplateValue, visit: (characters: number) => void): string {
  const text = scalar(value);
  if (text !== undefined) {
    visit(text.length);
    return text;
  }
  visit(2);
  if (value.value instanceof Map) {
    const entries = [...(value.value as ReadonlyMap<string, TemplateValue>)];
    const pairs = entries.map(([key, item]) => `${quoted(key)}: ${representation(item, visit)}`);
    return `{${pairs.join(', ')}}`;
  }
  if (!Array.isArray(value.value)) return `<${value.type}>`;
  const items = (value.value as readonly TemplateValue[]).map((item) => representation(item, visit));
  if (value.type !== 'TupleValue') return `[${items.join(', ')}]`;
  return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
}

/** undefined for a container. */
function scalar({ type, value }: TemplateValue): string | undefined {
  if (type === 'StringValue') return quoted(String(value));
  if (type === 'BooleanValue') return value ? 'True' : 'False';
  if (type === 'NullValue') return 'None';
  if (type === 'UndefinedValue') return 'Undefined';
  if (type === 'FloatValue') return Number.isInteger(value) ? Number(value).toFixed(1) : String(value);
  return type === 'IntegerValue' ? String(value) : undefined;
}

const NUMBERS: ReadonlySet<string> = new Set(['BooleanValue', 'IntegerValue', 'FloatValue']);

/** `a == b`. @param visit called with the work of each comparison, before it */
export function pythonEqual(a: TemplateValue, b: TemplateValue, visit: (work: number) => void): boolean {
  if (NUMBERS.has(a.type) && NUMBERS.has(b.type)) return Number(a.value) === Number(b.value);
  if (a.type !== b.type) return false;
  if (a.value instanceof Map && b.value instanceof Map) {
    const others = b.value as ReadonlyMap<string, TemplateValue>;
    visit(a.value.size);
    return (
      a.value.size === others.size &&
      [...(a.value as ReadonlyMap<string, TemplateValue>)].every(([key, item]) => {
        const other = others.get(key);
        return other !== undefined && pythonEqual(item, other, visit);
      })
    );
  }
  if (Array.isArray(a.value) && Array.isArray(b.value)) {
    const others = b.value as readonly TemplateValue[];
    visit(a.value.length);
    return (
      a.value.length === others.length &&
      (a.value as readonly TemplateValue[]).every((item, i) => {
        const other = others[i];
        return other !== undefined && pythonEqual(item, other, visit);
      })
    );
  }
  return a.value === b.value || a.type === 'UndefinedValue' || a.type === 'NullValue';
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t'\p{Cc}]/gu, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'";
    const code = character.charCodeAt(0).toString(16).padStart(2, '0');
    return ESCAPES[character] ?? `\\x${code}`;
  });
  return `${quote}${escaped}${quote}`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** `date.strftime(format)` in English and UTC; a directive that chat templates do not use stays as it is. */
export function strftime(date: Date, format: string): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const day = DAYS[date.getUTCDay()] ?? '';
  const hours = date.getUTCHours();
  const directives: Readonly<Record<string, string>> = {
    '%Y': String(date.getUTCFullYear()),
    '%y': two(date.getUTCFullYear() % 100),
    '%m': two(date.getUTCMonth() + 1),
    '%d': two(date.getUTCDate()),
    '%-d': String(date.getUTCDate()),
    '%B': month,
    '%b': month.slice(0, 3),
    '%A': day,
    '%a': day.slice(0, 3),
    '%H': two(hours),
    '%I': two(hours % 12 || 12),
    '%p': hours < 12 ? 'AM' : 'PM',
    '%M': two(date.getUTCMinutes()),
    '%S': two(date.getUTCSeconds()),
    '%%': '%',
  };
  return format.replace(/%-?[a-zA-Z%]/g, (directive) => directives[directive] ?? directive);
}
