/**
 * @module The grammars of JSON Schema's formats, as regular expressions for whole texts.
 *
 * A format has the texts that its RFC allows, as far as the validators in use (ajv-formats) accept them too. Where
 * the two differ, a text is left out:
 * - time, date-time: a T between date and time, a colon in the offset; second 60 only at 23:59 UTC with an offset of
 *   whole hours.
 * - duration: units without gaps (PT1H30M, not PT1H30S), as in RFC 3339.
 * - email: names of atoms, without quotes; a domain of at least two labels.
 * - hostname: without a dot at the end; no label has `--` as its third and fourth character; up to ten labels of 24
 *   characters, or two of 63 before five of 24.
 * - idn-hostname, the domain of idn-email: labels of 14 characters if they are not ASCII; Hebrew and Arabic letters do
 *   not stand beside others.
 * - uri-template: names without dots.
 * - uuid: without the prefix `urn:uuid:`.
 */

const HEX = '[0-9A-Fa-f]';

const group = (...alternatives: readonly string[]) => `(?:${alternatives.join('|')})`;

function dates(): string {
  const leapCentury = '(?:[02468][048]|[13579][26])00';
  const leapYear = '\\d\\d(?:0[48]|[2468][048]|[13579][26])';
  return group(
    '\\d{4}-(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])',
    '\\d{4}-(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)',
    '\\d{4}-02-(?:0[1-9]|1\\d|2[0-8])',
    `${group(leapCentury, leapYear)}-02-29`,
  );
}

function times(): string {
  const hour = '(?:[01]\\d|2[0-3])';
  const minute = '[0-5]\\d';
  const fraction = '(?:\\.\\d+)?';
  const two = (value: number) => String(value).padStart(2, '0');
  const leapSeconds = Array.from({ length: 24 }, (_, offset) => [
    `${two((offset + 23) % 24)}:59:60${fraction}\\+${two(offset)}:00`,
    `${two(23 - offset)}:59:60${fraction}-${two(offset)}:00`,
  ]);
  return group(
    `${hour}:${minute}:${minute}${fraction}(?:[Zz]|[+\\-]${hour}:${minute})`,
    `23:59:60${fraction}[Zz]`,
    ...leapSeconds.flat(),
  );
}

function durations(): string {
  const date = '(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)';
  const time = 'T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)';
  return `P(?:${date}(?:${time})?|${time}|\\d+W)`;
}

const IPV4 = (() => {
  const byte = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
  return `${byte}(?:\\.${byte}){3}`;
})();

/** Eight groups, of which `::` leaves out one or more; the last two may be an IPv4 address. */
const IPV6 = (() => {
  const hex = `${HEX}{1,4}`;
  const last = group(`${hex}:${hex}`, IPV4);
  const gaps = Array.from({ length: 6 }, (_, before) => {
    const head = before === 0 ? '' : `(?:(?:${hex}:){0,${before - 1}}${hex})?`;
    return `${head}::(?:${hex}:){${5 - before}}${last}`;
  });
  return group(
    `(?:${hex}:){6}${last}`,
    ...gaps,
    `(?:(?:${hex}:){0,5}${hex})?::${hex}`,
    `(?:(?:${hex}:){0,6}${hex})?::`,
  );
})();

const LETTERS = 'A-Za-z';
const UNRESERVED = `${LETTERS}0-9\\-._~`;
const SUB_DELIMITERS = "!$&'()*+,;=";
const ENCODED = `%${HEX}{2}`;
/** RFC 3987: what IRIs have beyond ASCII, and in queries. */
const UCS = [
  '\\u00a0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef',
  ...Array.from({ length: 14 }, (_, i) => {
    const plane = (i + 1).toString(16);
    return `\\u{${plane}${i + 1 === 14 ? '1000' : '0000'}}-\\u{${plane}fffd}`;
  }),
].join('');
const PRIVATE = '\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}';

/** RFC 3986, and with characters beyond ASCII RFC 3987. */
function uris(beyond: string, inQueries: string): { uri: string; reference: string } {
  const of = (characters: string) => group(`[${characters}]`, ENCODED);
  const segment = `${of(`${UNRESERVED}${SUB_DELIMITERS}:@${beyond}`)}*`;
  const segmentNotEmpty = segment.replace(/\*$/, '+');
  const withoutColon = `${of(`${UNRESERVED}${SUB_DELIMITERS}@${beyond}`)}+`;
  const rest = `(?:/${segment})*`;
  const future = `[Vv]${HEX}+\\.[${UNRESERVED}${SUB_DELIMITERS}:]+`;
  const host = group(`\\[${group(IPV6, future)}\\]`, `${of(`${UNRESERVED}${SUB_DELIMITERS}${beyond}`)}*`);
  const user = `(?:${of(`${UNRESERVED}${SUB_DELIMITERS}:${beyond}`)}*@)?`;
  const withAuthority = `//${user}${host}(?::\\d*)?${rest}`;
  const absolute = `/(?:${segmentNotEmpty}${rest})?`;
  const scheme = `[${LETTERS}][${LETTERS}0-9+\\-.]*:`;
  const query = `(?:\\?${of(`${UNRESERVED}${SUB_DELIMITERS}:@/?${beyond}${inQueries}`)}*)?`;
  const fragment = `(?:#${of(`${UNRESERVED}${SUB_DELIMITERS}:@/?${beyond}`)}*)?`;
  const path = group(withAuthority, absolute, `${segmentNotEmpty}${rest}`);
  const relative = group(withAuthority, absolute, `${withoutColon}${rest}`);
  return {
    uri: `${scheme}${path}${query}${fragment}`,
    reference: `(?:${scheme}${path}?|${relative}?)${query}${fragment}`,
  };
}

function uriTemplates(): string {
  const name = `(?:[${LETTERS}0-9_]|${ENCODED})+`;
  const variable = `${name}(?::[1-9]\\d{0,3}|\\*)?`;
  const expression = `\\{[+#./;?&=,!@|]?${variable}(?:,${variable})*\\}`;
  const literal = `[!#$&(-;=?-\\[\\]_a-z~${UCS}${PRIVATE}]`;
  return `${group(literal, ENCODED, expression)}*`;
}

function hostnames(label: (length: number) => string): string {
  const short = label(24);
  const long = label(63);
  return group(`${short}(?:\\.${short}){0,9}`, `${long}(?:\\.${long}(?:\\.${short}){0,5})?`);
}

function asciiLabel(length: number): string {
  return `(?!..--)[${LETTERS}0-9](?:[${LETTERS}0-9\\-]{0,${length - 2}}[${LETTERS}0-9])?`;
}

/** RFC 5892: letters, marks and digits that stay as they are, without those that need a certain context. */
const IDN_LABEL = (() => {
  const withContext =
    '\\u00b7\\u0375\\u05f3\\u05f4\\u0640\\u07fa\\u302e\\u302f\\u3031-\\u3035\\u303b\\u30fb\\u200c\\u200d';
  const excluded = `\\p{Changes_When_NFKC_Casefolded}--\\p{Nl}--[\\u0000-\\u007f\\u0590-\\u08ff\\ufb1d-\\ufefc${withContext}\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}]`;
  const beyond = `[\\p{XID_Continue}--${excluded}]`;
  const character = `[${beyond}0-9A-Za-z]`;
  return group(
    `(?!..--)(?!\\p{M})${character}(?:[${character}\\-]{0,12}${character})?`,
    '[\\u05d0-\\u05ea]{1,14}',
    '[\\u0620-\\u063f\\u0641-\\u064a]{1,14}',
  );
})();

const ATOM = "[A-Za-z0-9!#$%&'*+\\/=?^_`\\{\\|\\}~\\-]";
const MAIL_LABEL = `[${LETTERS}0-9](?:[${LETTERS}0-9\\-]*[${LETTERS}0-9])?`;
const POINTER = '(?:/(?:[^~/]|~[01])*)*';

/** A pattern, and its flags. */
export type FormatPattern = readonly [pattern: string, flags: string];

export function formatPattern(name: string): FormatPattern | undefined {
  switch (name) {
    case 'date':
      return [dates(), ''];
    case 'time':
      return [times(), ''];
    case 'date-time':
      return [`${dates()}[Tt]${times()}`, ''];
    case 'duration':
      return [durations(), ''];
    case 'email':
      return [`${ATOM}+(?:\\.${ATOM}+)*@${MAIL_LABEL}(?:\\.${MAIL_LABEL})+`, ''];
    case 'idn-email': {
      const atom = group(ATOM, `[${UCS}]`);
      return [`${atom}+(?:\\.${atom}+)*@${IDN_LABEL}(?:\\.${IDN_LABEL}){1,3}`, 'v'];
    }
    case 'hostname':
      return [hostnames(asciiLabel), ''];
    case 'idn-hostname': {
      const label = group(asciiLabel(24), IDN_LABEL);
      return [`${label}(?:\\.${label}){0,4}`, 'v'];
    }
    case 'ipv4':
      return [IPV4, ''];
    case 'ipv6':
      return [IPV6, ''];
    case 'uri':
      return [uris('', '').uri, ''];
    case 'uri-reference':
      return [uris('', '').reference, ''];
    case 'iri':
      return [uris(UCS, PRIVATE).uri, ''];
    case 'iri-reference':
      return [uris(UCS, PRIVATE).reference, ''];
    case 'uri-template':
      return [uriTemplates(), ''];
    case 'uuid':
      return [`${HEX}{8}-(?:${HEX}{4}-){3}${HEX}{12}`, ''];
    case 'json-pointer':
      return [POINTER, ''];
    case 'relative-json-pointer':
      return [`(?:0|[1-9]\\d*)(?:#|${POINTER})`, ''];
    default:
      return undefined;
  }
}
