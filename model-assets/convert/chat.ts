/** @module The chat templates of a converted model: checked, and kept in its manifest. */
import { ChatTemplateError } from '../../chat/errors.ts';
import { ChatTemplate } from '../../chat/template.ts';
import { readChatFiles } from '../checkpoint/chat-template.ts';
import { CheckpointError } from '../checkpoint/interface/errors.ts';
import type { Metadata } from '../checkpoint/interface/metadata.ts';
import type { OnWarning } from '../checkpoint/interface/progress.ts';
import type { Manifest } from '../format/manifest.ts';

type SpecialTokens = NonNullable<Manifest['chat']>['special_tokens'];

/** Chats that every template of an assistant should have a text for. */
const TRIALS = [
  [{ role: 'user', content: 'Hello' }],
  [
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'Hello!' },
    { role: 'user', content: 'Tell me a story.' },
  ],
];

/**
 * The checkpoint's templates that can be parsed; `chat` is undefined if there are none. A template that cannot be parsed
 * is left out with a warning, because the model can do without.
 *
 * @param specialTokens of the tokenizer, by name
 * @param given text of a template in place of the checkpoint's
 * @throws CheckpointError if `given` is no template
 */
export async function buildChat(
  metadata: Metadata,
  specialTokens: SpecialTokens,
  given: string | undefined,
  onWarning: OnWarning = () => {},
): Promise<{ readonly chat?: NonNullable<Manifest['chat']>; readonly sources: readonly string[] }> {
  const { templates, sources } = await readChatFiles(metadata, given);
  const parsed = [...templates].flatMap(([name, { source, location }]) => {
    const template = parsedTemplate(source, location, given === undefined ? onWarning : refuse);
    if (!template) return [];
    warnOfFailures(template, location, specialTokens, onWarning);
    return [[name, source] as const];
  });
  if (parsed.length === 0) return { sources: [] };
  return { chat: { templates: Object.fromEntries(parsed), special_tokens: specialTokens }, sources };
}

function refuse(fault: string): never {
  throw new CheckpointError(fault);
}

function parsedTemplate(source: string, location: string, onFault: OnWarning): ChatTemplate | undefined {
  try {
    return new ChatTemplate(source);
  } catch (error) {
    if (!(error instanceof ChatTemplateError)) throw error;
    onFault(`${location} is not a chat template that can be read, and is left out: ${error.message}`);
    return undefined;
  }
}

function warnOfFailures(
  template: ChatTemplate,
  location: string,
  variables: SpecialTokens,
  onWarning: OnWarning,
): void {
  for (const messages of TRIALS) {
    try {
      template.render({ messages, addGenerationPrompt: true, continueFinalMessage: false, variables });
    } catch (error) {
      if (!(error instanceof ChatTemplateError)) throw error;
      const roles = messages.map(({ role }) => role).join(', ');
      onWarning(`${location}: a chat of ${roles} has no text: ${error.message}`);
      return;
    }
  }
}
