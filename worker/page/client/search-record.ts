/** @module One search from its request on: what came, and when. */
import type { Chunk, Usage } from './api.ts';
import { ChoiceText } from './choice-text.ts';
import { FIELDS } from './fields.ts';
import type { RequestBody } from './request.ts';
import { SearchTree } from './search-tree.ts';

export type State = 'running' | 'done' | 'stopped' | 'failed';

export class SearchRecord {
  readonly body: RequestBody;
  readonly prompt: string;
  /** Whether a tree of beams comes, or one of samples. */
  readonly beams: boolean;
  readonly texts: readonly ChoiceText[];
  readonly tree = new SearchTree();
  state: State = 'running';
  usage: Usage | null = null;
  /** When it was asked, on the client's clock, in milliseconds; and when what was there first. */
  readonly asked: number;
  firstStep: number | null = null;
  firstToken: number | null = null;
  lastStep: number | null = null;

  constructor(body: RequestBody, beams: boolean, now: number) {
    this.body = body;
    this.prompt = String(body.prompt);
    this.beams = beams;
    this.asked = now;
    const wanted = typeof body.n === 'number' ? body.n : 1;
    // What cannot be is refused, and has no texts.
    const length = Math.min(Math.max(1, Math.floor(wanted)), FIELDS.n.max ?? 1);
    this.texts = Array.from({ length }, () => new ChoiceText());
  }

  add({ choices, beams, usage }: Chunk, now: number): void {
    if (beams) {
      this.tree.addFront(beams.step, beams.front);
      this.#step(now);
    }
    for (const choice of choices) {
      const { index, logprobs, finish_reason } = choice;
      this.texts[index]?.add(choice);
      const came = logprobs?.tokens.length ?? 0;
      if (came > 0) this.firstToken ??= now;
      if (this.beams) continue;
      for (const [i, token] of logprobs?.tokens.entries() ?? []) {
        this.tree.addToken(index, token, logprobs?.token_logprobs[i] ?? 0);
      }
      if (came > 0) this.#step(now);
      if (finish_reason) this.tree.finishSample(index, finish_reason);
    }
    if (usage) this.usage = usage;
  }

  /** When all has come. */
  finish(): void {
    this.state = 'done';
    if (this.beams) this.tree.rankReturned(this.texts.flatMap(({ score }) => score ?? []));
  }

  /** Steps a second, since the first. */
  get speed(): number | null {
    if (this.firstStep === null || this.lastStep === null || this.lastStep <= this.firstStep) return null;
    return ((this.tree.steps - 1) / (this.lastStep - this.firstStep)) * 1000;
  }

  #step(now: number): void {
    this.firstStep ??= now;
    this.lastStep = now;
  }
}
