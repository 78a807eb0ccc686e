/** @module The figures under “What it costs”. */
import type { Health } from './api.ts';
import { countPasses, maxBranches, slotsAt } from './costs.ts';
import { byId, setText } from './dom.ts';
import { mebibytes, seconds } from './numbers.ts';
import type { SearchRecord } from './search-record.ts';

export class CostsView {
  #health: Health | null = null;

  set health(health: Health) {
    this.#health = health;
    const { heap, slots } = health;
    if (heap) show('heap', mebibytes(heap.size));
    if (heap) show('heap-detail', `of at most ${mebibytes(heap.maximum)}`);
    if (slots) show('slots-server', `cache: ${slots.taken} of ${slots.maximum} tokens in use`);
  }

  draw(record: SearchRecord, step: number): void {
    const { startedAt, firstStepAt, firstTokenAt, speed, usesBeams, tree, usage } = record;
    show('first-token', firstTokenAt === null ? '–' : seconds(firstTokenAt - startedAt));
    show(
      'first-step',
      usesBeams && firstStepAt !== null
        ? `first step after ${seconds(firstStepAt - startedAt)}`
        : 'from the click',
    );
    show('speed', speed === null ? '–' : speed.toFixed(speed < 10 ? 1 : 0));
    const branches = maxBranches(tree);
    show(
      'speed-detail',
      branches > 1 ? `per second, in each of ${branches} ${usesBeams ? 'beams' : 'texts'}` : 'per second',
    );
    this.#drawPasses(record, branches);
    drawSlots(record, step);
    const cached = usage?.prompt_tokens_details.cached_tokens;
    show('prompt-tokens', usage ? `prompt of ${usage.prompt_tokens} tokens, ${cached} of them cached` : '');
  }

  #drawPasses({ tree, usage, resets }: SearchRecord, branches: number): void {
    const { maxRows = Number.POSITIVE_INFINITY } = this.#health?.plan ?? {};
    const uncachedTokens = usage ? usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens : 1;
    const passes = countPasses(tree.steps, branches, uncachedTokens, maxRows);
    const isCounted = tree.steps > 0 && resets === 0;
    show('passes', isCounted ? String(passes) : '–');
    const promptPasses = countPasses(1, 1, uncachedTokens, maxRows);
    show(
      'passes-detail',
      !isCounted
        ? uncounted(resets)
        : `${promptPasses} for the prompt, and ${passes - promptPasses} for ${tree.steps} steps`,
    );
  }
}

/** Cache use at the selected step. Excludes the prompt until `usage` arrives at the end of the stream. */
function drawSlots({ tree, usage, resets }: SearchRecord, step: number): void {
  const { shared, copied, branches } = slotsAt(tree, step);
  const promptTokens = usage?.prompt_tokens ?? 0;
  const sharedSlots = shared + promptTokens;
  const copiedSlots = copied + promptTokens * branches;
  const isEmpty = tree.steps === 0 || resets > 0;
  show('slots-shared', isEmpty ? '–' : String(sharedSlots));
  show('slots-copied', isEmpty ? '–' : String(copiedSlots));
  const share = copiedSlots > 0 ? sharedSlots / copiedSlots : 1;
  byId('slots-bar', HTMLElement).style.inlineSize = `${share * 100}%`;
  show(
    'slots-detail',
    isEmpty ? uncounted(resets) : `for step ${step}${usage ? '' : ', without the prompt'}`,
  );
}

/** How many tokens are in view, and are computed anew, only the server knows. */
const uncounted = (resets: number): string => (resets > 0 ? 'are not counted after a reset' : '');

function show(id: string, text: string): void {
  setText(byId(id, HTMLElement), text);
}
