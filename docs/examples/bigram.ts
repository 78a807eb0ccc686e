/**
 * @module Decoding with another model than GPT-2: a letter bigram model.
 *
 *     node docs/examples/bigram.ts
 */
import { decode, type LanguageModel, type TokenTree, type TreeNode } from 'edgebeam/decoding';

const TEXT = 'the cat sat on the mat. the hat that the cat had sat on the mat.';
const LETTERS = [...new Set(TEXT)];
const END = LETTERS.indexOf('.');

/** Count of each letter after each other letter, plus 0.01 for pairs that never occur. */
const COUNTS = LETTERS.map((a) => LETTERS.map((b) => TEXT.split(a + b).length - 1 + 0.01));

export const bigramModel: LanguageModel = {
  vocabSize: LETTERS.length,
  contextLength: 100,
  eosTokenIds: [END],
  open: () => bigramTree(),
};

/** The logits depend on one token only, so the tree caches nothing per node and releases nothing. */
function bigramTree(): TokenTree {
  return {
    append(parent, token): TreeNode {
      return { token, parent, position: parent ? parent.position + 1 : 0 };
    },
    async evaluate(evaluations) {
      for (const { node, logits } of evaluations) {
        logits?.set((COUNTS[node.token] ?? []).map(Math.log));
      }
    },
    release() {},
    close() {},
  };
}

/**
 * The most likely endings of a text, found by beam search.
 * @param onToken called with each letter of the best ending once it is certain
 */
export async function complete(
  text: string,
  onToken: (letter: string) => void = () => {},
): Promise<string[]> {
  const prompt = [...text].map((letter) => LETTERS.indexOf(letter));
  const generation = decode(bigramModel, prompt, {
    num_beams: 4,
    num_return_sequences: 3,
    max_new_tokens: 12,
  });
  for (;;) {
    const { done, value } = await generation.next();
    if (done) return value.sequences.map(({ tokens }) => tokens.map((token) => LETTERS[token]).join(''));
    if (value.type === 'token') onToken(LETTERS[value.token] ?? '');
  }
}

if (import.meta.main) {
  const endings = await complete('the c', (letter) => process.stdout.write(letter));
  console.log(`\n\n${endings.map((ending) => `the c${ending}`).join('\n')}`);
}
