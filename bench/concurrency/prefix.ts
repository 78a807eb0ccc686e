/** @module Time to the first token of a prompt with a cached prefix, and of an uncached prompt. */
import { complete, firstTokenMilliseconds } from './client.ts';
import type { PromptGenerator } from './prompts.ts';
import type { Subject } from './subjects.ts';

export const PREFIX = 300;
const SUFFIX = 8;

export interface PrefixReuse {
  /** Milliseconds to the first token, for prompts that share their first {@link PREFIX} tokens. */
  readonly shared: number[];
  /** Milliseconds to the first token, for prompts of the same length that share nothing. */
  readonly unseen: number[];
  /** Cached tokens of each prompt, as reported by the Worker. */
  readonly cachedTokens: { readonly shared: number[]; readonly unseen: number[] };
}

export async function measurePrefix(
  server: URL,
  draw: PromptGenerator,
  { prefixes }: Subject,
): Promise<PrefixReuse> {
  const reuse: PrefixReuse = { shared: [], unseen: [], cachedTokens: { shared: [], unseen: [] } };
  const prefix = draw(PREFIX);
  await complete(server, { prompt: [...prefix, ...draw(SUFFIX)], tokens: 1 });
  for (let i = 0; i < prefixes; i++) {
    for (const kind of ['shared', 'unseen'] as const) {
      const prompt = [...(kind === 'shared' ? prefix : draw(PREFIX)), ...draw(SUFFIX)];
      const completion = await complete(server, { prompt, tokens: 1 });
      reuse[kind].push(firstTokenMilliseconds(completion));
      reuse.cachedTokens[kind].push(completion.cachedTokens);
    }
  }
  return reuse;
}
