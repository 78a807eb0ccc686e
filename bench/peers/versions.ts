/** @module The versions of the peers' software. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageVersion } from '../machine.ts';
import { CHROMIUM } from './browser/chromium-peer.ts';
import { PACKAGES } from './packages.ts';
import type { Peer } from './peer.ts';
import { pythonVersions } from './python-peer.ts';

/** Versions for the available peers. */
export async function peerVersions(peers: readonly Peer[]): Promise<Record<string, string>> {
  const has = (text: string) => peers.some(({ name }) => name.includes(text));
  return {
    ...(has('Chromium') ? { Chromium: await chromiumVersion() } : {}),
    ...(has('transformers.js')
      ? {
          'transformers.js': `${packageVersion('@huggingface/transformers', PACKAGES.browser)} (with onnxruntime-web ${packageVersion('onnxruntime-web', PACKAGES.browser)})`,
        }
      : {}),
    ...(has('wllama') ? { wllama: packageVersion('@wllama/wllama', PACKAGES.browser) } : {}),
    ...(has('llama.cpp') ? { 'node-llama-cpp': await llamaVersion() } : {}),
    ...(has('ONNX Runtime')
      ? { 'onnxruntime-node': packageVersion('onnxruntime-node', PACKAGES.native) }
      : {}),
    ...(has('PyTorch') ? await pythonVersions() : {}),
  };
}

async function chromiumVersion(): Promise<string> {
  const { stdout } = await promisify(execFile)(CHROMIUM, ['--version']);
  return /[\d.]+/.exec(stdout)?.[0] ?? stdout.trim();
}

async function llamaVersion(): Promise<string> {
  const path = join(PACKAGES.native, 'node_modules', 'node-llama-cpp', 'llama', 'binariesGithubRelease.json');
  const { release } = JSON.parse(await readFile(path, 'utf8')) as { readonly release: string };
  return `${packageVersion('node-llama-cpp', PACKAGES.native)} (with llama.cpp ${release})`;
}
