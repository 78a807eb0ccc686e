/** @module Time to the first token of a prompt whose beginning another request had, and of one that nobody had. */
import { complete, firstTokenMilliseconds } from './client.ts';
import type { DrawPrompt } from './prompts.ts';
import type { Subject } from './subjects.ts';

export const PREFIX = 300;
const REST = 8;

export interface PrefixReuse {
  /** Milliseconds to the first token, of prompts that begin with the same {@link PREFIX} tokens. */
  readonly shared: number[];
  /** … that are as long and share nothing. */
  readonly unseen: number[];
  /** Tokens of each prompt that the Worker says it had: of the former, of the latter. */
  readonly cachedTokens: { readonly shared: number[]; readonly unseen: number[] };
}

export async function measurePrefix(
  server: URL,
  draw: DrawPrompt,
  { prefixes }: Subject,
): Promise<PrefixReuse> {
  const reuse: PrefixReuse = { shared: [], unseen: [], cachedTokens: { shared: [], unseen: [] } };
  const prefix = draw(PREFIX);
  await complete(server, { prompt: [...prefix, ...draw(REST)], tokens: 1 });
  for (let i = 0; i < prefixes; i++) {
    for (const kind of ['shared', 'unseen'] as const) {
      const prompt = [...(kind === 'shared' ? prefix : draw(PREFIX)), ...draw(REST)];
      const completion = await complete(server, { prompt, tokens: 1 });
      reuse[kind].push(firstTokenMilliseconds(completion));
      reuse.cachedTokens[kind].push(completion.cachedTokens);
    }
  }
  return reuse;
}
