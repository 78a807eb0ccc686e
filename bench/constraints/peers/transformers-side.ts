/** @module The side of @huggingface/transformers-structured-output, by the interface that transformers.js calls. */
import { StructuredOutputProcessor } from '@huggingface/transformers-structured-output';
import { END_TOKEN, type LoadSide, type SchemaSide } from '../side.ts';

interface Processor {
  _call(ids: bigint[][], logits: { readonly dims: readonly number[]; readonly data: Float32Array }): void;
}

export const load: LoadSide = async (tokens) => {
  const tokenizer = { tokens, eosTokenId: END_TOKEN };
  StructuredOutputProcessor.warmup(tokenizer);
  return {
    compile(schema) {
      const start = () =>
        [
          ...new StructuredOutputProcessor(tokenizer, { type: 'json_schema', json_schema: schema }),
        ][0] as Processor;
      return sideOf(start, tokens.length);
    },
    outsideBytes: 0,
  };
};

/** It reads one text: another one needs another processor, whose compilation is not timed. */
function sideOf(start: () => Processor, vocabSize: number): SchemaSide {
  let processor: Processor | undefined = start();
  let isNew = true;
  let ids: bigint[] = [];
  const dims = [1, vocabSize];
  const none = new Float32Array(0);
  const logits = new Float32Array(vocabSize);
  let isApplied = false;
  /** The mask is computed for any row, so that a row without logits leaves the time of its application out. */
  const apply = () => {
    if (isApplied) return;
    logits.fill(0);
    processor?._call([ids], { dims, data: logits });
    isApplied = true;
  };
  return {
    restart() {
      if (!isNew) processor = start();
      isNew = false;
      ids = [];
    },
    makeMask() {
      isApplied = false;
      processor?._call([ids], { dims, data: none });
    },
    allows(token) {
      apply();
      return logits[token] !== -Infinity;
    },
    mayEnd() {
      apply();
      return logits[END_TOKEN] !== -Infinity;
    },
    read(token) {
      ids.push(BigInt(token));
    },
  };
}
