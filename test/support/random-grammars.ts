/**
 * @module Random grammars, and a judge of their texts that has nothing in common with the automaton: it finds all ends
 * of each item at each place of a whole text.
 */
import type { Draw } from './draw.ts';

/** Of one to four bytes in UTF-8, some with the same first bytes. */
export const ALPHABET = ['a', 'b', '"', 'é', 'è', '€', '😀'];

/** By the least and the greatest count. */
const SIGNS: Readonly<Record<string, string>> = { '0,Infinity': '*', '1,Infinity': '+', '0,1': '?' };

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'set'; readonly characters: readonly string[]; readonly isNegated: boolean }
  | { readonly kind: 'any' }
  | { readonly kind: 'rule'; readonly rule: number }
  | { readonly kind: 'group'; readonly alternatives: readonly (readonly Node[])[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number };

export class RandomGrammar {
  readonly #draw: Draw;
  readonly #rules: (readonly (readonly Node[])[])[] = [];

  constructor(draw: Draw) {
    this.#draw = draw;
    const count = draw.integer(1, 4);
    for (let rule = 0; rule < count; rule++) this.#rules.push(this.#alternatives(rule, count, 2, false));
  }

  /** In GBNF, with space, comments and escapes in random places. */
  get source(): string {
    const rules = this.#rules.map((alternatives, rule) => {
      const bar = this.#draw.pick([' | ', '|', ' |\n  ', '\n  | ']);
      // Nothing after a bar would be the next line.
      const written = alternatives.map((items) => this.#write(items) || '""');
      return `${this.#name(rule)} ::= ${written.join(bar)}`;
    });
    const comment = this.#draw.pick(['', ' # a "comment" (', '\n# [']);
    return `${this.#draw.shuffled(rules).join(`${comment}\n`)}${this.#draw.pick(['', '\n', comment])}`;
  }

  /** Whether the whole text is one of the rule `root`. */
  accepts(text: string): boolean {
    const characters = Array.from(text);
    return new Judge(this.#rules, characters).endsOfRule(0, 0).has(characters.length);
  }

  #alternatives(rule: number, rules: number, depth: number, isGuarded: boolean): Node[][] {
    return Array.from({ length: this.#draw.pick([1, 1, 2, 2, 3]) }, () => {
      let guarded = isGuarded;
      return Array.from({ length: this.#draw.pick([0, 1, 1, 2, 2, 3]) }, () => {
        const node = this.#node(rule, rules, depth, guarded);
        if (node.kind === 'set' || node.kind === 'any' || (node.kind === 'text' && node.text !== ''))
          guarded = true;
        return node;
      });
    });
  }

  /** @param isGuarded whether a character comes before it, so that any rule may follow without left recursion */
  #node(rule: number, rules: number, depth: number, isGuarded: boolean): Node {
    const draw = this.#draw;
    const kind = draw.pick([
      'text',
      'text',
      'text',
      'set',
      'any',
      'rule',
      'rule',
      'group',
      'repeat',
      'repeat',
    ]);
    const least = isGuarded ? 0 : rule + 1;
    if (kind === 'rule' && least < rules) return { kind, rule: draw.integer(least, rules - 1) };
    if (kind === 'set') {
      const characters = draw.shuffled(ALPHABET).slice(0, draw.integer(1, 3));
      return { kind, characters, isNegated: draw.chance(0.3) };
    }
    if (kind === 'any' && draw.chance(0.3)) return { kind };
    if (kind === 'group' && depth > 0)
      return { kind, alternatives: this.#alternatives(rule, rules, depth - 1, isGuarded) };
    if (kind === 'repeat' && depth > 0) {
      const min = draw.pick([0, 0, 0, 1, 1, 2, 9]);
      const max = draw.pick([Infinity, min, min + 1, min + 3, min + 12]);
      return { kind, item: this.#node(rule, rules, depth - 1, isGuarded), min, max };
    }
    const length = draw.pick([0, 1, 1, 1, 2, 2]);
    return { kind: 'text', text: Array.from({ length }, () => draw.pick(ALPHABET.slice(0, 4))).join('') };
  }

  #name(rule: number): string {
    return rule === 0 ? 'root' : `rule-${rule}_x`;
  }

  #write(items: readonly Node[]): string {
    return items.map((item) => this.#writeItem(item)).join(' ') || this.#draw.pick(['', '""']);
  }

  #writeItem(node: Node): string {
    switch (node.kind) {
      case 'text':
        return `"${Array.from(node.text, (character) => this.#character(character)).join('')}"`;
      case 'set':
        return `[${node.isNegated ? '^' : ''}${node.characters.map((character) => this.#character(character)).join('')}]`;
      case 'any':
        return '.';
      case 'rule':
        return this.#name(node.rule);
      case 'group': {
        const bar = this.#draw.pick(['|', '\n|', '| # comment\n']);
        return `(${node.alternatives.map((items) => this.#write(items)).join(bar)})`;
      }
      case 'repeat': {
        const { min, max } = node;
        const item =
          node.item.kind === 'repeat' ? `(${this.#writeItem(node.item)})` : this.#writeItem(node.item);
        const braces = max === min ? `{${min}}` : `{${min},${max === Infinity ? '' : max}}`;
        return item + (this.#draw.chance(0.7) ? (SIGNS[`${min},${max}`] ?? braces) : braces);
      }
    }
  }

  #character(character: string): string {
    const code = character.codePointAt(0) as number;
    const hex = (digits: number) => code.toString(16).padStart(digits, '0');
    const escapes = [`\\U${hex(8)}`];
    if (code <= 0xffff) escapes.push(`\\u${hex(4)}`);
    if (code <= 0xff) escapes.push(`\\x${hex(2)}`);
    if (character === '"') escapes.push('\\"');
    else escapes.push(character, character, character);
    return this.#draw.pick(escapes);
  }
}

class Judge {
  readonly #rules: readonly (readonly (readonly Node[])[])[];
  readonly #text: readonly string[];
  readonly #known = new Map<string, ReadonlySet<number>>();

  constructor(rules: readonly (readonly (readonly Node[])[])[], text: readonly string[]) {
    this.#rules = rules;
    this.#text = text;
  }

  endsOfRule(rule: number, start: number): ReadonlySet<number> {
    const key = `${rule},${start}`;
    let ends = this.#known.get(key);
    if (!ends) {
      ends = this.#endsOfAlternatives(this.#rules[rule] ?? [], start);
      this.#known.set(key, ends);
    }
    return ends;
  }

  #endsOfAlternatives(alternatives: readonly (readonly Node[])[], start: number): Set<number> {
    const ends = alternatives.flatMap((items) => [
      ...items.reduce((starts, item) => this.#afterAny(item, starts), new Set([start])),
    ]);
    return new Set(ends);
  }

  #afterAny(item: Node, starts: ReadonlySet<number>): Set<number> {
    return new Set([...starts].flatMap((start) => [...this.#ends(item, start)]));
  }

  #ends(node: Node, start: number): ReadonlySet<number> {
    const character = this.#text[start];
    const ifRead = (isRead: boolean) => new Set(isRead && character !== undefined ? [start + 1] : []);
    switch (node.kind) {
      case 'text': {
        const characters = Array.from(node.text);
        const isRead = characters.every((expected, i) => this.#text[start + i] === expected);
        return new Set(isRead ? [start + characters.length] : []);
      }
      case 'set':
        return ifRead(node.characters.includes(character as string) !== node.isNegated);
      case 'any':
        return ifRead(true);
      case 'rule':
        return this.endsOfRule(node.rule, start);
      case 'group':
        return this.#endsOfAlternatives(node.alternatives, start);
      case 'repeat':
        return this.#endsOfRepeat(node, start);
    }
  }

  #endsOfRepeat({ item, min, max }: Node & { kind: 'repeat' }, start: number): Set<number> {
    let ends = new Set([start]);
    for (let count = 0; count < min; count++) ends = this.#afterAny(item, ends);
    const all = new Set(ends);
    for (let count = min; count < max && ends.size > 0; count++) {
      ends = new Set([...this.#afterAny(item, ends)].filter((end) => !all.has(end)));
      for (const end of ends) all.add(end);
    }
    return all;
  }
}
