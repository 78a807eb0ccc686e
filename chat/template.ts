/** @module A model's chat template: Jinja, as transformers' `apply_chat_template` renders it. */
import { Environment } from '@huggingface/jinja';
import { Budget } from './budget.ts';
import { ChatTemplateError } from './errors.ts';
import { BoundedInterpreter } from './interpreter.ts';
import { strftime, stripped } from './python.ts';
import { type Program, parseTemplate, readsContentParts } from './statements.ts';

/** A message, with the fields that the template may read. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly TextPart[];
  readonly [field: string]: unknown;
}

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
}

export interface Chat {
  /** At least one. */
  readonly messages: readonly ChatMessage[];
  /** Whether the text ends with what begins an answer. */
  readonly addGenerationPrompt: boolean;
  /** Whether the text ends within the last message, which the answer continues; not beside `addGenerationPrompt`. */
  readonly continueFinalMessage: boolean;
  /** The special tokens by their names, such as `eos_token`, and what the caller adds. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** transformers' mark of the place where the last message ends. */
const CONTINUE_TAG = 'CONTINUE_FINAL_MESSAGE_TAG ';

/** UTF-16 units that an answer has of a template's own message. */
const MAX_MESSAGE_LENGTH = 1000;

export class ChatTemplate {
  /** Whether it goes through the parts of a message's content; otherwise a content is a text. */
  readonly readsParts: boolean;
  readonly #source: string;
  readonly #program: Program;

  /** @throws ChatTemplateError for a source that is no template */
  constructor(source: string) {
    this.#source = source;
    this.#program = parseTemplate(source);
    this.readsParts = readsContentParts(this.#program);
  }

  /** Whether the template knows a role by its name. */
  mentions(role: string): boolean {
    return this.#source.includes(role);
  }

  /**
   * The text of a chat. Its work is bounded.
   * @throws ChatTemplateError where the template refuses the chat, fails for it, or takes too long
   */
  render(chat: Chat): string {
    if (!chat.continueFinalMessage) return this.#render(chat);
    return this.#continued(chat);
  }

  #render({ messages, addGenerationPrompt, variables }: Chat): string {
    const budget = new Budget(JSON.stringify(messages).length);
    try {
      const outer = new Environment();
      for (const [name, value] of Object.entries(globals(budget))) outer.set(name, value);
      // As in jinja2, the caller's names hide the others.
      const environment = new Environment(outer);
      const given = { ...variables, messages, add_generation_prompt: addGenerationPrompt };
      for (const [name, value] of Object.entries(given)) environment.set(name, value);
      return String(new BoundedInterpreter(environment, budget).run(this.#program).value);
    } catch (error) {
      if (error instanceof ChatTemplateError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new ChatTemplateError('failed', `the chat template fails for this chat: ${message}`, {
        cause: error,
      });
    }
  }

  /** As transformers does: a mark at the end of the last message shows where the text ends. */
  #continued(chat: Chat): string {
    const final = chat.messages.at(-1);
    const text = final && lastText(final);
    if (!final || text === undefined) {
      throw new ChatTemplateError('refused', 'the last message has no text to continue');
    }
    if (!this.#source.includes('content')) {
      throw new ChatTemplateError('refused', 'the chat template does not read the content of messages');
    }
    const messages = [...chat.messages.slice(0, -1), { ...final, content: marked(final) }];
    const rendered = this.#render({ ...chat, messages });
    const end = rendered.lastIndexOf(CONTINUE_TAG.trim());
    if (end < 0 || !rendered.includes(stripped(text, 'strip'))) {
      throw new ChatTemplateError('refused', 'the chat template changes or drops the last message');
    }
    const before = rendered.slice(0, end);
    // Where the template removes white space after the message, it does so before the mark too.
    return rendered.startsWith(CONTINUE_TAG, end) ? before : stripped(before, 'rstrip');
  }
}

/** The names that every template has, beside those of the package. */
function globals(budget: Budget): Record<string, unknown> {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    tools: null,
    documents: null,
    raise_exception: (message: unknown) => {
      const text = String(message).slice(0, MAX_MESSAGE_LENGTH);
      throw new ChatTemplateError('refused', `the chat template refuses this chat: ${text}`);
    },
    range: (...bounds: readonly number[]) => range(budget, bounds),
    strftime_now: (format: unknown) => strftime(new Date(), String(format)),
  };
}

/** Python's `range`. @throws ChatTemplateError beyond the budget, before the list is made */
function range(budget: Budget, bounds: readonly number[]): number[] {
  const [first = 0, second, step = 1] = bounds;
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new RangeError('range() arg 3 must not be zero');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  budget.charge(count);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** The text that a continued message ends with. */
function lastText({ content }: ChatMessage): string | undefined {
  return typeof content === 'string' ? content : content?.at(-1)?.text;
}

function marked({ content = '' }: ChatMessage): NonNullable<ChatMessage['content']> {
  if (typeof content === 'string') return content + CONTINUE_TAG;
  return content.map((part, i) =>
    i === content.length - 1 ? { ...part, text: part.text + CONTINUE_TAG } : part,
  );
}
