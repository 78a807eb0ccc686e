/** @module The chat templates in the manifest of a converted model. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../../../model-assets/convert/convert.ts';
import { type CheckpointOptions, temporaryFolder, writeCheckpoint } from '../../../support/checkpoints.ts';
import { runConvert } from '../../../support/convert-command.ts';

const TEMPLATE = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}';

/** Converts a small checkpoint with these files beside it. */
async function converted(
  files: Readonly<Record<string, string>>,
  { chatTemplate, ...options }: CheckpointOptions & { chatTemplate?: string } = {},
) {
  await using dir = await temporaryFolder();
  await writeCheckpoint(dir.path, options);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir.path, name)), { recursive: true });
    await writeFile(join(dir.path, name), text);
  }
  const warnings: string[] = [];
  const manifest = await convert({
    source: dir.path,
    out: join(dir.path, 'model'),
    ...(chatTemplate !== undefined && { chatTemplate }),
    onWarning: (warning) => warnings.push(warning),
  });
  return { manifest, warnings };
}

const config = (chat_template: unknown) => ({ 'tokenizer_config.json': JSON.stringify({ chat_template }) });
const sourcesOf = ({ manifest }: Awaited<ReturnType<typeof converted>>) =>
  manifest.provenance.source.map(({ path }) => path);

describe('a converted model', () => {
  it('keeps its template and its special tokens', async () => {
    const result = await converted({ 'chat_template.jinja': TEMPLATE });
    expect(result.manifest.chat?.templates).toEqual({ default: TEMPLATE });
    expect(result.manifest.chat?.special_tokens.eos_token).toBe('<|endoftext|>');
    expect(sourcesOf(result)).toContain('chat_template.jinja');
    expect(result.warnings).toEqual([]);
  });

  it('keeps several templates by name', async () => {
    const list = [
      { name: 'default', template: TEMPLATE },
      { name: 'short', template: '{{ messages[0].content }}' },
    ];
    const { manifest } = await converted(config(list));
    expect(Object.keys(manifest.chat?.templates ?? {})).toEqual(['default', 'short']);
  });

  it('keeps the templates of files by their names', async () => {
    const short = 'additional_chat_templates/short.jinja';
    const result = await converted({ 'chat_template.jinja': TEMPLATE, [short]: '{{ messages[0].content }}' });
    expect(result.manifest.chat?.templates).toEqual({
      default: TEMPLATE,
      short: '{{ messages[0].content }}',
    });
    expect(sourcesOf(result).some((path) => path.endsWith('short.jinja'))).toBe(true);
  });

  it('has none without one', async () => {
    const { manifest } = await converted({});
    expect(manifest.chat).toBeUndefined();
  });

  it('gets the template that is given, in place of its own', async () => {
    const { manifest } = await converted(config('{% for %}'), { chatTemplate: TEMPLATE });
    expect(manifest.chat?.templates).toEqual({ default: TEMPLATE });
    await expect(converted({}, { chatTemplate: '{% for %}' })).rejects.toThrow(
      '--chat-template is not a chat template that can be read',
    );
  });

  it('is made without a template that cannot be read, and says so', async () => {
    const { manifest, warnings } = await converted(config('{{ 1 + }}'));
    expect(manifest.chat).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringMatching(/^tokenizer_config.json chat_template is not a chat template .* left out: .+/),
    ]);
  });

  it('warns of a template that has no text for ordinary chats', async () => {
    const { manifest, warnings } = await converted(config('{{ messages | nonsense }}'));
    expect(manifest.chat).toBeDefined();
    expect(warnings).toEqual([
      'tokenizer_config.json chat_template: a chat of user has no text: the chat template fails for this chat: Unknown ArrayValue filter: nonsense',
    ]);
  });
});

describe('npm run convert -- --chat-template', () => {
  it('reads a file', async () => {
    await using dir = await temporaryFolder();
    await writeCheckpoint(dir.path);
    const file = join(dir.path, 'chat.jinja');
    await writeFile(file, TEMPLATE);
    const out = join(dir.path, 'model');
    const { code, stdout } = await runConvert([dir.path, '--out', out, '--chat-template', file]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('templates    default\n')]);
    const manifest = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));
    expect(manifest.chat.templates).toEqual({ default: TEMPLATE });
  });

  it.each([
    ['missing.jinja', undefined, /ENOENT.*missing\.jinja/],
    ['chat.jinja', '{% if %}', /--chat-template is not a chat template that can be read/],
  ])('refuses %s of %j', async (name, text, message) => {
    await using dir = await temporaryFolder();
    await writeCheckpoint(dir.path);
    const file = join(dir.path, name);
    if (text !== undefined) await writeFile(file, text);
    const out = join(dir.path, 'model');
    const { code, stderr } = await runConvert([dir.path, '--out', out, '--chat-template', file]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    await expect(readFile(join(out, 'manifest.json'))).rejects.toThrow('ENOENT');
  });
});
