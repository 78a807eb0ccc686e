/**
 * @module The tokens of a text, and what is known of those that were generated, in buffers that grow with it. The first
 * hypothesis that extends a text appends to its buffers, another one copies them: a text of 100,000 tokens takes as much
 * for a token as a short one.
 */
import type { GeneratedToken, ModelLogprobs } from '../interface/events.ts';

/** Of the length, when the buffers are full. */
const GROWTH = 1.25;
const LEAST_SPACE = 16;

export class TextLog {
  readonly #promptLength: number;
  #length: number;
  #tokens: Int32Array<ArrayBuffer>;
  #logprobs: Float64Array<ArrayBuffer>;
  /** For each generated token, the beam that it continued, below 256. */
  #beams: Uint8Array<ArrayBuffer>;
  readonly #models: ModelLogprobs[];

  private constructor(
    tokens: Int32Array<ArrayBuffer>,
    promptLength: number,
    logprobs: Float64Array<ArrayBuffer>,
    beams: Uint8Array<ArrayBuffer>,
    models: ModelLogprobs[],
  ) {
    this.#tokens = tokens;
    this.#length = tokens.length;
    this.#promptLength = promptLength;
    this.#logprobs = logprobs;
    this.#beams = beams;
    this.#models = models;
  }

  static ofPrompt(prompt: ArrayLike<number>): TextLog {
    return new TextLog(Int32Array.from(prompt), prompt.length, new Float64Array(0), new Uint8Array(0), []);
  }

  /** Its tokens, prompt first; those that follow the text have no meaning. */
  get tokens(): Int32Array {
    return this.#tokens;
  }

  get promptLength(): number {
    return this.#promptLength;
  }

  /** A log that begins with the first `length` tokens of this one, and has one more. */
  extended(length: number, generated: GeneratedToken, beam: number): TextLog {
    const log = length === this.#length ? this : this.#first(length);
    log.#push(generated, beam);
    return log;
  }

  /** The generated token with this index. */
  at(index: number): GeneratedToken {
    const token = this.#tokens[this.#promptLength + index] as number;
    const logprob = this.#logprobs[index] as number;
    const model = this.#models[index];
    return model ? { token, logprob, model } : { token, logprob };
  }

  /** Whether another text has the same generated token, with the same log-probability, at this index. */
  agreesAt(index: number, other: TextLog): boolean {
    if (other === this) return true;
    const at = this.#promptLength + index;
    return this.#tokens[at] === other.#tokens[at] && this.#logprobs[index] === other.#logprobs[index];
  }

  /** Of the first `count` generated tokens. */
  lists(count: number): {
    readonly tokens: number[];
    readonly logprobs: number[];
    readonly beams: number[];
    readonly models: ModelLogprobs[];
  } {
    return {
      tokens: Array.from(this.#tokens.subarray(this.#promptLength, this.#promptLength + count)),
      logprobs: Array.from(this.#logprobs.subarray(0, count)),
      beams: Array.from(this.#beams.subarray(0, count)),
      models: this.#models.slice(0, count),
    };
  }

  #first(length: number): TextLog {
    const count = length - this.#promptLength;
    return new TextLog(
      this.#tokens.slice(0, length),
      this.#promptLength,
      this.#logprobs.slice(0, count),
      this.#beams.slice(0, count),
      this.#models.slice(0, count),
    );
  }

  #push({ token, logprob, model }: GeneratedToken, beam: number): void {
    const index = this.#length - this.#promptLength;
    if (this.#length === this.#tokens.length) this.#tokens = grown(this.#tokens, Int32Array);
    if (index === this.#logprobs.length) {
      this.#logprobs = grown(this.#logprobs, Float64Array);
      this.#beams = grown(this.#beams, Uint8Array);
    }
    this.#tokens[this.#length++] = token;
    this.#logprobs[index] = logprob;
    this.#beams[index] = beam;
    if (model) this.#models.push(model);
  }
}

function grown<Buffer extends { readonly length: number; set(values: Buffer): void }>(
  buffer: Buffer,
  kind: new (length: number) => Buffer,
): Buffer {
  const larger = new kind(Math.ceil(buffer.length * GROWTH) + LEAST_SPACE);
  larger.set(buffer);
  return larger;
}
