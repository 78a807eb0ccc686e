/** @module Which session a request belongs to: that of its user, or of the beginning of its prompt. */

/**
 * Characters at the beginning of a prompt that make a session, some 64 tokens. A shorter prompt has too little to
 * save: it is computed wherever it arrives.
 */
export const PREFIX_CHARACTERS = 256;

/** @param body of any contract, as parsed JSON @returns undefined for a request of no session */
export function sessionKeyOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { safety_identifier, user, prompt, inputs, messages } = body as Readonly<Record<string, unknown>>;
  // OpenAI's newer name, which chats have too.
  const id = safety_identifier ?? user;
  if (typeof id === 'string' && id !== '') return `user ${id}`;
  const text = prefixOf(prompt ?? inputs ?? messages);
  return text.length < PREFIX_CHARACTERS ? undefined : `prefix ${text.slice(0, PREFIX_CHARACTERS)}`;
}

/** A chat begins with its first messages, and a batch with its first prompt. */
function prefixOf(prompt: unknown): string {
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(prompt)) return '';
  const [first] = prompt;
  if (typeof first === 'string' || Array.isArray(first)) return prefixOf(first);
  // Token ids, or messages: more of either than make a prefix are not needed.
  return JSON.stringify(prompt.slice(0, PREFIX_CHARACTERS)).slice(1, -1);
}
