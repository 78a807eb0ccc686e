/** @module The chat templates of a model, each parsed when the first chat needs it, with the code that renders it. */
import type { ChatTemplate } from '../../chat/template.ts';

/** Of a model that chats. */
export interface ChatSettings {
  /** Sources by name. */
  readonly templates: Readonly<Record<string, string>>;
  /** By name. */
  readonly special_tokens: Readonly<Record<string, string>>;
}

export class ChatTemplates {
  readonly #settings: ChatSettings;
  readonly #parsed = new Map<string, ChatTemplate>();

  constructor(settings: ChatSettings) {
    this.#settings = settings;
  }

  get names(): readonly string[] {
    return Object.keys(this.#settings.templates);
  }

  /** What every template may write, by name: `eos_token`. */
  get specialTokens(): ChatSettings['special_tokens'] {
    return this.#settings.special_tokens;
  }

  /** @throws ChatTemplateError for a source that is no template; RangeError for a name that is not in `names` */
  async get(name: string): Promise<ChatTemplate> {
    const known = this.#parsed.get(name);
    if (known) return known;
    const source = this.#settings.templates[name];
    if (source === undefined) throw new RangeError(`there is no chat template ${name}`);
    // The code is part of the bundle, but most isolates never run it.
    const { ChatTemplate } = await import('../../chat/template.ts');
    const template = new ChatTemplate(source);
    this.#parsed.set(name, template);
    return template;
  }
}
