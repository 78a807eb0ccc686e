/** @module ChatML, the chat template of the tests' models, and the text that it makes. */

/** Without special tokens: the embedded model has only the end of a text. */
export const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/** Begins an answer. */
const ANSWER = '<|im_start|>assistant\n';

export function chatml(...messages: readonly { readonly role: string; readonly content: string }[]): string {
  return messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('') + ANSWER;
}
