import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshotDownload } from '@huggingface/hub';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { readChatFiles } from '../../../../model-assets/checkpoint/chat-template.ts';
import { CheckpointError } from '../../../../model-assets/checkpoint/interface/errors.ts';
import { folderMetadata } from '../../../../model-assets/checkpoint/interface/metadata.ts';
import { DEFAULT_CHECKPOINT } from '../../../../model-assets/ensure.ts';
import type { ModelConfig } from '../../../../model-assets/format/manifest.ts';
import { HubError, UnreachableError } from '../../../../model-assets/hub/errors.ts';
import { MODEL_ID } from '../../../../model-assets/hub/repository.ts';
import { readSettings } from '../../../../model-assets/hub/settings.ts';
import { temporaryFolder } from '../../../support/checkpoints.ts';
import {
  fetchFrom,
  isDefaultModel,
  type TestFetchOptions,
  weightRequests,
} from '../../../support/hub-fetch.ts';
import { type HostedModel, startHubServer, TOKEN } from '../../../support/hub-server.ts';
import { GOLDEN } from '../../../support/models.ts';

const ODD = join(GOLDEN, 'odd-checkpoint');

const startHub = (model: Partial<HostedModel> = {}) =>
  startHubServer({ 'edgebeam/default': { folder: DEFAULT_CHECKPOINT, ...model } });

/** The address of a server that was just closed. */
async function unusedEndpoint(): Promise<string> {
  await using hub = await startHub();
  return hub.url;
}

describe('the chosen files', () => {
  test('include the shards that the index lists', async () => {
    await using hub = await startHubServer({ 'edgebeam/odd': { folder: ODD } });
    await using dir = await temporaryFolder();
    const steps: [number, number][] = [];
    const onProgress = (done: number, total: number) => steps.push([done, total]);
    const { folder } = await fetchFrom(hub, dir.path, { id: 'edgebeam/odd', onProgress });
    expect(await readdir(folder)).toEqual(await readdir(ODD));
    for (const name of await readdir(ODD)) {
      expect((await readFile(join(folder, name))).equals(await readFile(join(ODD, name))), name).toBe(true);
    }
    const total = 229_264 + 224_404;
    expect(new Set(steps.map(([, of]) => of))).toEqual(new Set([total]));
    expect(steps.map(([done]) => done)).toEqual(steps.map(([done]) => done).sort((a, b) => a - b));
    expect(steps.at(-1)).toEqual([total, total]);
  });

  test('include the tokenizer’s optional files, and no other formats', async () => {
    const tokenizer = { model: { type: 'BPE', vocab: { a: 0 }, merges: [] } };
    const files = {
      'added_tokens.json': '{}',
      'special_tokens_map.json': '{}',
      'tokenizer.json': JSON.stringify(tokenizer),
      'pytorch_model.bin': 'x',
      'flax_model.msgpack': 'x',
    };
    await using hub = await startHub({ files });
    await using dir = await temporaryFolder();
    const { folder } = await fetchFrom(hub, dir.path);
    const names = ['added_tokens.json', 'config.json', 'generation_config.json', 'model.safetensors'];
    names.push('special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json');
    expect(await readdir(folder)).toEqual(names);
  });

  test('include the folder of chat templates, and nothing else of it', async () => {
    const templates = Object.fromEntries([0, 1, 2, 3, 4].map((i) => [`template ${i}.jinja`, `${i}`]));
    const files = {
      'chat_template.jinja': 'a',
      'additional_chat_templates/README.md': 'b',
      'other/a.jinja': 'c',
    };
    const additional = Object.entries(templates).map(([name, text]) => [
      `additional_chat_templates/${name}`,
      text,
    ]);
    await using hub = await startHub({ files: { ...files, ...Object.fromEntries(additional) } });
    await using dir = await temporaryFolder();
    const { folder } = await fetchFrom(hub, dir.path);
    expect(await readdir(join(folder, 'additional_chat_templates'))).toEqual(Object.keys(templates));
    expect(await readdir(folder)).not.toContain('other');
    const chat = await readChatFiles(folderMetadata(folder));
    expect([...chat.templates.keys()]).toEqual(['default', ...[0, 1, 2, 3, 4].map((i) => `template ${i}`)]);
    // The cache has them.
    const { length } = hub.requests;
    await fetchFrom(hub, dir.path);
    expect(hub.requests.slice(length).filter(({ path }) => path.includes('/resolve/'))).toEqual([]);
  });

  test('include the weights that config.json names, and not the usual ones', async () => {
    const config = JSON.parse(await readFile(join(DEFAULT_CHECKPOINT, 'config.json'), 'utf8'));
    const naming = (transformers_weights: string) => JSON.stringify({ ...config, transformers_weights });
    const files = { 'config.json': naming('other.safetensors'), 'other.safetensors': 'x' };
    await using hub = await startHub({ files });
    await using dir = await temporaryFolder();
    const { folder } = await fetchFrom(hub, dir.path);
    expect(await readdir(folder)).toContain('other.safetensors');
    expect(await readdir(folder)).not.toContain('model.safetensors');
    const settings = { ...readSettings({}), endpoint: hub.url, offline: true };
    expect((await fetchFrom(hub, dir.path, { settings })).folder).toBe(folder);

    await using incomplete = await startHub({ files: { 'config.json': naming('third.safetensors') } });
    await using other = await temporaryFolder();
    await expect(fetchFrom(incomplete, other.path)).rejects.toThrow(
      new HubError('edgebeam/default has no file third.safetensors, which its config.json names'),
    );
    expect(weightRequests(incomplete)).toEqual([]);
  });

  test('include no weights if the model is not supported', async () => {
    const config = JSON.stringify({ model_type: 'llama', hidden_act: 'silu' });
    await using hub = await startHub({ files: { 'config.json': config } });
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(CheckpointError);
    expect(weightRequests(hub)).toEqual([]);
  });

  test('include no weights if a check of the config throws', async () => {
    await using hub = await startHub();
    await using dir = await temporaryFolder();
    const checkConfig = ({ n_layer }: ModelConfig) => {
      throw new CheckpointError(`${n_layer} layers are too many`);
    };
    await expect(fetchFrom(hub, dir.path, { checkConfig })).rejects.toThrow(' layers are too many');
    expect(weightRequests(hub)).toEqual([]);
  });
});

describe('the cache', () => {
  // The client logs each cached file.
  beforeAll(() => vi.spyOn(console, 'debug').mockImplementation(() => {}).mockRestore);

  test('has the layout of the client and of huggingface_hub', async () => {
    await using hub = await startHubServer({ 'edgebeam/odd': { folder: ODD } });
    await using theirs = await temporaryFolder();
    await using ours = await temporaryFolder();
    await snapshotDownload({ repo: 'edgebeam/odd', hubUrl: hub.url, cacheDir: theirs.path });
    const { folder } = await fetchFrom(hub, ours.path, { id: 'edgebeam/odd' });
    // The client creates folders that stay empty.
    const list = async (dir: string) =>
      (await readdir(dir, { recursive: true })).filter((path) => !path.endsWith('onnx')).sort();
    expect(await list(ours.path)).toEqual(await list(theirs.path));
    const ref = join(ours.path, 'models--edgebeam--odd', 'refs', 'main');
    expect(await readFile(ref, 'utf8')).toBe(hub.commit);
    expect((await lstat(join(folder, 'config.json'))).isSymbolicLink()).toBe(process.platform !== 'win32');
  });

  test('of another program is used', async () => {
    await using hub = await startHub();
    await using dir = await temporaryFolder();
    await snapshotDownload({ repo: 'edgebeam/default', hubUrl: hub.url, cacheDir: dir.path });
    const previous = hub.requests.length;
    expect(await isDefaultModel((await fetchFrom(hub, dir.path)).folder)).toBe(true);
    expect(hub.requests.slice(previous).filter(({ path }) => !path.startsWith('/api/models/'))).toEqual([]);
  });

  test('is used if the hub is unreachable', async () => {
    await using hub = await startHub();
    await using dir = await temporaryFolder();
    const online = await fetchFrom(hub, dir.path);
    const { notices, ...offline } = await fetchFrom({ url: await unusedEndpoint() }, dir.path);
    expect({ ...offline, notices: [] }).toEqual(online);
    expect(notices).toEqual([
      expect.stringMatching(
        /cannot be reached \(ECONNREFUSED\): check .+ Using the cache: edgebeam\/default at/,
      ),
    ]);
  });

  test('is the only source with HF_HUB_OFFLINE', async () => {
    await using hub = await startHubServer({
      'edgebeam/default': { folder: DEFAULT_CHECKPOINT },
      'edgebeam/odd': { folder: ODD },
    });
    await using dir = await temporaryFolder();
    const settings = { endpoint: hub.url, offline: true };
    const uncached = fetchFrom(hub, dir.path, { settings });
    await expect(uncached).rejects.toThrow(UnreachableError);
    await expect(uncached).rejects.toThrow(
      /^HF_HUB_OFFLINE is set\. The cache, .+, does not have edgebeam\/default at/,
    );
    expect(hub.requests).toEqual([]);
    for (const id of ['edgebeam/default', 'edgebeam/odd']) {
      const online = await fetchFrom(hub, dir.path, { id });
      const previous = hub.requests.length;
      expect(await fetchFrom(hub, dir.path, { id, settings })).toEqual(online);
      expect(await fetchFrom(hub, dir.path, { id, settings, revision: hub.commit })).toEqual(online);
      expect(hub.requests).toHaveLength(previous);
    }
  });
});

test('a legacy id resolves to the current one', async () => {
  await using hub = await startHub({ legacyId: 'default' });
  await using dir = await temporaryFolder();
  const { folder, id } = await fetchFrom(hub, dir.path, { id: 'default' });
  expect(id).toBe('edgebeam/default');
  expect(await isDefaultModel(folder)).toBe(true);
});

test.for(['refs/pr/1', 'COMMIT'])('a revision may be %s', async (revision) => {
  await using hub = await startHub();
  await using dir = await temporaryFolder();
  const { commit } = await fetchFrom(hub, dir.path, { revision: revision.replace('COMMIT', hub.commit) });
  expect(commit).toBe(hub.commit);
});

describe('errors', () => {
  const only = (...names: string[]) => Object.fromEntries(names.map((name) => [name, '{}']));

  test.for<[string, Partial<HostedModel>, TestFetchOptions, RegExp]>([
    [
      'no such model, or private, without a token',
      { access: 'private' },
      {},
      /^The model edgebeam\/default does not exist on http:\S+, or it is private: set HF_TOKEN to a token with read access/,
    ],
    [
      'no such model with a token',
      {},
      { id: 'edgebeam/other', token: TOKEN },
      /^The model edgebeam\/other does not exist on http:\S+, or HF_TOKEN has no access to it$/,
    ],
    [
      'an invalid token',
      {},
      { token: 'hf_old' },
      /^127\S+ does not accept HF_TOKEN: create a new token at http/,
    ],
    [
      'a gated model',
      { access: 'gated' },
      {},
      /^edgebeam\/default is gated: request access at http:\S+\/edgebeam\/default, then set HF_TOKEN/,
    ],
    [
      'no such revision',
      {},
      { revision: 'v2' },
      /^edgebeam\/default has no revision v2: --revision takes a branch/,
    ],
    [
      'a revision that is a path',
      {},
      { revision: 'a/../../b' },
      /^--revision is "a\/\.\.\/\.\.\/b", expected a branch/,
    ],
  ])('%s', async ([, model, options, message]) => {
    await using hub = await startHub(model);
    await using dir = await temporaryFolder();
    const fetched = fetchFrom(hub, dir.path, options);
    await expect(fetched).rejects.toThrow(HubError);
    await expect(fetched).rejects.toThrow(message);
  });

  test.for<[Record<string, string>, string]>([
    [only('model.safetensors'), 'has no config.json: it is not a model in the format of transformers'],
    [
      only('config.json', 'tf_model.h5', 'vocab.json'),
      'has its weights as tf_model.h5 only: save them with transformers before version 5, from_pretrained(…, ' +
        'from_tf=True).save_pretrained(FOLDER)',
    ],
    [
      only('config.json', 'vocab.json'),
      'has no weights to convert: expected one of model.safetensors, model.safetensors.index.json, ' +
        'pytorch_model.bin, pytorch_model.bin.index.json',
    ],
    [
      only('config.json', 'model.safetensors', 'vocab.json'),
      'has no tokenizer: expected tokenizer.json, or vocab.json and merges.txt',
    ],
  ])('a repository that has only %o', async ([files, message]) => {
    await using empty = await temporaryFolder();
    await using hub = await startHub({ folder: empty.path, files });
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow(`edgebeam/default ${message}`);
  });

  test('an index that lists a missing file', async () => {
    const index = await readFile(join(ODD, 'model.safetensors.index.json'), 'utf8');
    const files = { 'model.safetensors.index.json': index.replaceAll('00002-of', '00003-of') };
    await using hub = await startHubServer({ 'edgebeam/odd': { folder: ODD, files } });
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path, { id: 'edgebeam/odd' })).rejects.toThrow(
      /^edgebeam\/odd has no file model-00003-of-00002\.safetensors at commit \w+, but its model\.safetensors\.index/,
    );
  });

  test('an unreachable hub and an empty cache', async () => {
    await using dir = await temporaryFolder();
    await expect(fetchFrom({ url: await unusedEndpoint() }, dir.path)).rejects.toThrow(
      /^127\S+ cannot be reached \(ECONNREFUSED\): check the connection and HF_ENDPOINT; .+ does not have edgebeam\/default/,
    );
  });

  test('a site that is not the hub', async () => {
    await using hub = await startHubServer({}, () => ({
      status: 200,
      body: '<html>Sign in to the network</html>',
    }));
    await using dir = await temporaryFolder();
    await expect(fetchFrom(hub, dir.path)).rejects.toThrow('does not respond like the Hugging Face hub');
  });
});

test('settings follow huggingface_hub', () => {
  expect(readSettings({})).toEqual({ endpoint: 'https://huggingface.co', offline: false });
  expect(
    readSettings({ HF_ENDPOINT: 'https://mirror.example/hf/', HF_TOKEN: ' hf_x\n', HF_HUB_OFFLINE: 'True' }),
  ).toEqual({ endpoint: 'https://mirror.example/hf', token: 'hf_x', offline: true });
  expect(readSettings({ HF_ENDPOINT: '', HF_TOKEN: '', HF_HUB_OFFLINE: '0' })).toEqual(readSettings({}));
  expect(() => readSettings({ HF_ENDPOINT: 'mirror.example' })).toThrow(
    'HF_ENDPOINT is "mirror.example", expected an address such as https://huggingface.co',
  );
});

test.for<[string, boolean]>([
  ['openai-community/gpt2', true],
  ['gpt2', true],
  ['a.b-c_d/e.f-g_h', true],
  ['a/b/c', false],
  ['./gpt2', false],
  ['../gpt2', false],
  ['/gpt2', false],
  ['C:\\gpt2', false],
  ['a/..', false],
  ['a--b/c', false],
  ['a/b.git', false],
  ['a b/c', false],
])('%s is a valid id: %s', ([text, isValid]) => {
  expect(MODEL_ID.test(text)).toBe(isValid);
});
