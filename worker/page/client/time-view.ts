/** @module The slider over the steps of a search, and its buttons. */
import { byId, setAttributes, setText } from './dom.ts';

const PLAY_INTERVAL_MILLISECONDS = 140;

export class TimeView {
  readonly #controls = byId('time', HTMLFieldSetElement);
  readonly #slider = byId('time-slider', HTMLInputElement);
  readonly #label = byId('time-label', HTMLElement);
  readonly #playButton = byId('time-play', HTMLButtonElement);
  readonly #onChange: () => void;
  #steps = 0;
  /** null: follows the newest step. */
  #step: number | null = null;
  #playTimer: number | null = null;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
    const onClick = (id: string, handler: () => void) =>
      byId(id, HTMLButtonElement).addEventListener('click', handler);
    onClick('time-first', () => this.#selectStep(1));
    onClick('time-back', () => this.#selectStep(this.step - 1));
    onClick('time-forward', () => this.#selectStep(this.step + 1));
    onClick('time-last', () => this.#selectStep(this.#steps));
    this.#playButton.addEventListener('click', () =>
      this.#playTimer === null ? this.#startPlaying() : this.#pause(),
    );
    this.#slider.addEventListener('input', () => this.#selectStep(this.#slider.valueAsNumber));
  }

  get step(): number {
    return this.#step ?? this.#steps;
  }

  get followsNewest(): boolean {
    return this.#step === null;
  }

  /** Follows the newest step again, for a new search. */
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

  #selectStep(step: number): void {
    this.#pause();
    this.#setStep(step);
  }

  #setStep(step: number): void {
    this.#step = step >= this.#steps ? null : Math.max(1, step);
    this.#onChange();
  }

  #startPlaying(): void {
    if (this.step >= this.#steps) this.#setStep(1);
    this.#playTimer = window.setInterval(() => {
      this.#setStep(this.step + 1);
      if (this.#step === null) this.#pause();
    }, PLAY_INTERVAL_MILLISECONDS);
    this.#showPlaying();
  }

  #pause(): void {
    if (this.#playTimer !== null) window.clearInterval(this.#playTimer);
    this.#playTimer = null;
    this.#showPlaying();
  }

  #showPlaying(): void {
    setText(this.#playButton, this.#playTimer === null ? 'Play' : 'Pause');
  }
}
