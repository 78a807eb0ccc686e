/**
 * @module The windows of a text that is longer than the context: those of Hugging Face's guide to the perplexity of
 * fixed-length models. Each token is scored once, in the first window that has it.
 */

export interface TextWindow {
  /** The tokens of the window: those from `begin` up to `end` of the text. */
  readonly begin: number;
  readonly end: number;
  /** The first of them, counted from `begin`, that is scored here: at least 1, since the first has no context. */
  readonly from: number;
}

/**
 * @param length of the text, in tokens
 * @param window tokens of a window, at least 2
 * @param stride tokens from one window's begin to the next one's, at most `window`
 */
export function* windowsOf(length: number, window: number, stride: number): Generator<TextWindow, void> {
  let scored = 0;
  for (let begin = 0; begin < length; begin += stride) {
    const end = Math.min(begin + window, length);
    yield { begin, end, from: Math.max(1, scored - begin) };
    if (end === length) return;
    scored = end;
  }
}

/** The number of them. */
export function windowCount(length: number, window: number, stride: number): number {
  return 1 + Math.ceil(Math.max(0, length - window) / stride);
}
