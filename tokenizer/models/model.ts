/** @module What every tokenizer model does. */
import type { Ids } from './ids.ts';

/**
 * Turns pieces of a text into tokens. The pipeline has taken added tokens out of the text, normalized it and split it
 * into pieces before.
 */
export interface TokenizerModel {
  /**
   * Pushes the ids of a piece.
   * @param piece not empty, without lone surrogates
   */
  encode(piece: string, ids: Ids): void;
}
