/** @module The state of one search: the events received so far, and their times. */
import type { Chunk, Usage } from './api.ts';
import { ChoiceText } from './choice-text.ts';
import { FIELDS } from './fields.ts';
import type { RequestBody } from './request.ts';
import { SearchTree } from './search-tree.ts';

export type State = 'running' | 'done' | 'stopped' | 'failed';

export class SearchRecord {
  readonly body: RequestBody;
  readonly prompt: string;
  /** Whether the tree is built from beams, or from samples. */
  readonly usesBeams: boolean;
  /** Whether a schema makes the texts JSON. */
  readonly expectsJson: boolean;
  readonly texts: readonly ChoiceText[];
  readonly tree = new SearchTree();
  state: State = 'running';
  usage: Usage | null = null;
  /** How often tokens at the beginning have been dropped from the model's view. */
  resets = 0;
  /** Times in milliseconds, by the client's clock. */
  readonly startedAt: number;
  firstStepAt: number | null = null;
  firstTokenAt: number | null = null;
  lastStepAt: number | null = null;

  constructor(body: RequestBody, usesBeams: boolean, now: number) {
    this.body = body;
    this.prompt = String(body.prompt);
    this.usesBeams = usesBeams;
    const { structured_outputs } = body as { readonly structured_outputs?: object };
    this.expectsJson = structured_outputs !== undefined && 'json' in structured_outputs;
    this.startedAt = now;
    const requested = typeof body.n === 'number' ? body.n : 1;
    // Clamped: the API rejects an `n` out of range, and the page must not allocate that many texts.
    const length = Math.min(Math.max(1, Math.floor(requested)), FIELDS.n.max ?? 1);
    this.texts = Array.from({ length }, () => new ChoiceText());
  }

  add({ choices, beams, usage, context_resets }: Chunk, now: number): void {
    if (beams) {
      this.tree.addBeams(beams.step, beams.front);
      this.#recordStep(now);
    }
    for (const choice of choices) {
      const { index, logprobs, finish_reason } = choice;
      this.texts[index]?.add(choice);
      const tokenCount = logprobs?.tokens.length ?? 0;
      if (tokenCount > 0) this.firstTokenAt ??= now;
      if (this.usesBeams) continue;
      for (const [i, token] of logprobs?.tokens.entries() ?? []) {
        this.tree.addToken(index, token, logprobs?.token_logprobs[i] ?? 0);
      }
      if (tokenCount > 0) this.#recordStep(now);
      if (finish_reason) this.tree.finishSample(index, finish_reason);
    }
    if (usage) this.usage = usage;
    if (context_resets !== undefined) this.resets = context_resets;
  }

  /** Called at the end of the stream. */
  finish(): void {
    this.state = 'done';
    if (this.usesBeams) this.tree.rankReturned(this.texts.flatMap(({ score }) => score ?? []));
  }

  /** Steps per second, from the first to the last. */
  get speed(): number | null {
    if (this.firstStepAt === null || this.lastStepAt === null || this.lastStepAt <= this.firstStepAt)
      return null;
    return ((this.tree.steps - 1) / (this.lastStepAt - this.firstStepAt)) * 1000;
  }

  #recordStep(now: number): void {
    this.firstStepAt ??= now;
    this.lastStepAt = now;
  }
}
