/** @module The work that a template may do for one chat, in characters and values that it touches. */
import { ChatTemplateError } from './errors.ts';
import type { TemplateValue } from './python.ts';

/** What each evaluated expression costs. A budget without text is 65,536 expressions. */
export const EXPRESSION_WORK = 32;
const LEAST_BUDGET = 2 ** 21;
/** The most common templates touch each character of a chat 10 to 30 times. */
const PER_CHARACTER = 128;
/** Lists within lists. */
const MAX_DEPTH = 64;

export class Budget {
  #left: number;

  /** @param characters of the chat */
  constructor(characters: number) {
    this.#left = LEAST_BUDGET + PER_CHARACTER * characters;
  }

  /** @throws ChatTemplateError when there is not so much left; called before the work, as far as it is known */
  charge(work: number): void {
    this.#left -= work;
    // A count that is not a number has no bound.
    if (!(this.#left >= 0))
      throw new ChatTemplateError('limit', 'the chat template takes too long for this chat');
  }

  /** An evaluated expression, whose value the next one may read wholly. */
  chargeExpression({ value }: TemplateValue): void {
    const isList = typeof value === 'string' || Array.isArray(value);
    this.charge(EXPRESSION_WORK + (isList ? value.length : value instanceof Map ? value.size : 0));
  }

  /** A container's whole content, each time that it occurs in it. @returns the work */
  chargeContent({ value }: TemplateValue, depth = 0): number {
    if (depth > MAX_DEPTH) throw new ChatTemplateError('limit', 'the chat template nests values too deeply');
    if (typeof value === 'string') return this.#charged(value.length);
    if (!Array.isArray(value) && !(value instanceof Map)) return this.#charged(EXPRESSION_WORK);
    let work = this.#charged(EXPRESSION_WORK);
    for (const item of value.values() as Iterable<TemplateValue>) work += this.chargeContent(item, depth + 1);
    if (value instanceof Map) for (const key of value.keys()) work += this.#charged(String(key).length);
    return work;
  }

  #charged(work: number): number {
    this.charge(work);
    return work;
  }
}
