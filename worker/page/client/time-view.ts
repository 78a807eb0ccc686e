/** @module The slider through the steps of a search, and its buttons. */
import { byId, setAttributes, setText } from './dom.ts';

const PLAY_EVERY_MILLISECONDS = 140;

export class TimeView {
  readonly #controls = byId('time', HTMLFieldSetElement);
  readonly #slider = byId('time-slider', HTMLInputElement);
  readonly #label = byId('time-label', HTMLElement);
  readonly #play = byId('time-play', HTMLButtonElement);
  readonly #changed: () => void;
  #steps = 0;
  /** null: the newest. */
  #step: number | null = null;
  #playing: number | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
    const onClick = (id: string, click: () => void) =>
      byId(id, HTMLButtonElement).addEventListener('click', click);
    onClick('time-first', () => this.#goTo(1));
    onClick('time-back', () => this.#goTo(this.step - 1));
    onClick('time-forth', () => this.#goTo(this.step + 1));
    onClick('time-last', () => this.#goTo(this.#steps));
    this.#play.addEventListener('click', () => (this.#playing === null ? this.#start() : this.#pause()));
    this.#slider.addEventListener('input', () => this.#goTo(this.#slider.valueAsNumber));
  }

  get step(): number {
    return this.#step ?? this.#steps;
  }

  get follows(): boolean {
    return this.#step === null;
  }

  /** To the newest step of a search. */
  reset(): void {
    this.#pause();
    this.#step = null;
  }

  draw(steps: number): void {
    this.#steps = steps;
    const { step } = this;
    this.#controls.disabled = steps === 0;
    setAttributes(this.#slider, { max: Math.max(1, steps), 'aria-valuetext': `step ${step} of ${steps}` });
    this.#slider.value = String(step);
    setText(this.#label, steps === 0 ? '' : `step ${step} of ${steps}`);
  }

  #goTo(step: number): void {
    this.#pause();
    this.#show(step);
  }

  #show(step: number): void {
    this.#step = step >= this.#steps ? null : Math.max(1, step);
    this.#changed();
  }

  #start(): void {
    if (this.step >= this.#steps) this.#show(1);
    this.#playing = window.setInterval(() => {
      this.#show(this.step + 1);
      if (this.#step === null) this.#pause();
    }, PLAY_EVERY_MILLISECONDS);
    this.#showPlaying();
  }

  #pause(): void {
    if (this.#playing !== null) window.clearInterval(this.#playing);
    this.#playing = null;
    this.#showPlaying();
  }

  #showPlaying(): void {
    setText(this.#play, this.#playing === null ? 'Play' : 'Pause');
  }
}
