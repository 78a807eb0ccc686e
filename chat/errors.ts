/** @module Why a chat has no text. */

/**
 * `syntax`: the template is not one. `refused`: the template itself refuses the chat, or the chat does not fit what
 * is asked. `failed`: an expression of the template has no value for this chat. `limit`: it takes too much work.
 */
type Reason = 'syntax' | 'refused' | 'failed' | 'limit';

export class ChatTemplateError extends Error {
  override readonly name = 'ChatTemplateError';
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
