/** @module Reads files of a tokenizer, and records which. */
import type * as z from 'zod';
import { CheckpointError } from '../../checkpoint/interface/errors.ts';
import { type Metadata, readJson } from '../../checkpoint/interface/metadata.ts';

/** Characters of a file. The largest tokenizers of any model, with 256,000 tokens, have 35 million. */
const MAX_CHARACTERS = 2 ** 27;
/** Of the files' faults, this many are listed. */
const MAX_FAULTS = 20;

export class TokenizerFolder {
  readonly sources = new Set<string>();
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  has(name: string): boolean {
    return this.#metadata.has(name);
  }

  /** The path of a file that is not text. */
  path(name: string): string {
    this.sources.add(name);
    return this.#metadata.origin(name);
  }

  /** @throws CheckpointError if the file does not exist, or is too large */
  async text(name: string): Promise<string> {
    const text = await this.#metadata.text(name);
    if (text === undefined) throw new CheckpointError(`${name} not found`);
    this.sources.add(name);
    if (text.length > MAX_CHARACTERS) {
      fail(name, `has ${text.length} characters, more than ${MAX_CHARACTERS}`);
    }
    return text;
  }

  /** The class of the tokenizer that `config.json` names; most name none. */
  async modelTokenizerClass(): Promise<string | undefined> {
    const name = (await readJson(this.#metadata, 'config.json'))?.tokenizer_class;
    return typeof name === 'string' ? name : undefined;
  }

  /**
   * @returns undefined if the file does not exist
   * @throws CheckpointError that lists the faults
   */
  async json<Schema extends z.ZodType>(name: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
    const json = await readJson(this.#metadata, name);
    if (!json) return undefined;
    this.sources.add(name);
    return check(name, schema, json);
  }
}

/**
 * @param location file and field, for errors
 * @throws CheckpointError that lists the faults
 */
export function check<Schema extends z.ZodType>(
  location: string,
  schema: Schema,
  value: unknown,
): z.infer<Schema> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message, input }) => {
    const field = path.join('.');
    return `${location}${field && `: ${field}`}: ${message}, found ${excerpt(input)}`;
  });
  const more = faults.length > MAX_FAULTS ? [`${location}: ${faults.length - MAX_FAULTS} more faults`] : [];
  throw new CheckpointError([...faults.slice(0, MAX_FAULTS), ...more].join('\n'));
}

const MAX_EXCERPT = 100;

/** The beginning of a value as JSON. */
export function excerpt(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_EXCERPT)).slice(0, MAX_EXCERPT);
  if (Array.isArray(value) && value.length > MAX_EXCERPT) return `a list of ${value.length}`;
  return (JSON.stringify(value) ?? 'nothing').slice(0, MAX_EXCERPT);
}

/** @throws CheckpointError, always */
export function fail(location: string, fault: string): never {
  throw new CheckpointError(`${location}: ${fault}`);
}
