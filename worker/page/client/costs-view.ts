/** @module What the search costs, in figures. */
import type { Health } from './api.ts';
import { mostBranches, passesOf, slotsAt } from './costs.ts';
import { byId, setText } from './dom.ts';
import { mebibytes, seconds } from './numbers.ts';
import type { SearchRecord } from './search-record.ts';

export class CostsView {
  #health: Health | null = null;

  set health(health: Health) {
    this.#health = health;
    const { heap, slots } = health;
    if (heap) put('heap', mebibytes(heap.size));
    if (heap) put('heap-of', `of ${mebibytes(heap.maximum)} at most`);
    if (slots) put('slots-server', `cache: ${slots.taken} of ${slots.maximum} tokens in use`);
  }

  draw(record: SearchRecord, step: number): void {
    const { asked, firstStep, firstToken, speed, beams, tree, usage } = record;
    put('first-token', firstToken === null ? '–' : seconds(firstToken - asked));
    put(
      'first-step',
      beams && firstStep !== null ? `first step after ${seconds(firstStep - asked)}` : 'from the click',
    );
    put('speed', speed === null ? '–' : speed.toFixed(speed < 10 ? 1 : 0));
    const branches = mostBranches(tree);
    put(
      'speed-of',
      branches > 1 ? `a second, in each of ${branches} ${beams ? 'beams' : 'texts'}` : 'a second',
    );
    this.#drawPasses(record, branches);
    drawSlots(record, step);
    const cached = usage?.prompt_tokens_details.cached_tokens;
    put('prompt-tokens', usage ? `prompt of ${usage.prompt_tokens} tokens, ${cached} of them cached` : '');
  }

  #drawPasses({ tree, usage }: SearchRecord, branches: number): void {
    const { maxRows = Number.POSITIVE_INFINITY } = this.#health?.plan ?? {};
    const uncached = usage ? usage.prompt_tokens - usage.prompt_tokens_details.cached_tokens : 1;
    const passes = passesOf(tree.steps, branches, uncached, maxRows);
    put('passes', tree.steps === 0 ? '–' : String(passes));
    const ofPrompt = passesOf(1, 1, uncached, maxRows);
    put(
      'passes-of',
      tree.steps === 0 ? '' : `${ofPrompt} for the prompt, and ${passes - ofPrompt} for ${tree.steps} steps`,
    );
  }
}

/** Of the step that is looked at. Until the end the prompt's length is not known, and left out. */
function drawSlots({ tree, usage }: SearchRecord, step: number): void {
  const { shared, copied, branches } = slotsAt(tree, step);
  const prompt = usage?.prompt_tokens ?? 0;
  const [held, copies] = [shared + prompt, copied + prompt * branches];
  const none = tree.steps === 0;
  put('slots-shared', none ? '–' : String(held));
  put('slots-copied', none ? '–' : String(copies));
  const share = copies > 0 ? held / copies : 1;
  byId('slots-bar', HTMLElement).style.inlineSize = `${share * 100}%`;
  put('slots-of', none ? '' : `for step ${step}${usage ? '' : ', without the prompt’s'}`);
}

function put(id: string, text: string): void {
  setText(byId(id, HTMLElement), text);
}
