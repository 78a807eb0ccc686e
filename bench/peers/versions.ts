/** @module The versions of the peers' software. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { packageVersion } from '../machine.ts';
import { CHROMIUM } from './browser/chromium-peer.ts';
import { BROWSER } from './browser/install.ts';
import type { Peer } from './peer.ts';
import { pythonVersions } from './python-peer.ts';

/** Versions for the available peers. */
export async function peerVersions(peers: readonly Peer[]): Promise<Record<string, string>> {
  const has = (text: string) => peers.some(({ name }) => name.includes(text));
  return {
    ...(has('Chromium') ? { Chromium: await chromiumVersion() } : {}),
    ...(has('transformers.js')
      ? {
          'transformers.js': `${packageVersion('@huggingface/transformers', BROWSER)} (with onnxruntime-web ${packageVersion('onnxruntime-web', BROWSER)})`,
        }
      : {}),
    ...(has('wllama') ? { wllama: packageVersion('@wllama/wllama', BROWSER) } : {}),
    ...(has('PyTorch') ? await pythonVersions() : {}),
  };
}

async function chromiumVersion(): Promise<string> {
  const { stdout } = await promisify(execFile)(CHROMIUM, ['--version']);
  return /[\d.]+/.exec(stdout)?.[0] ?? stdout.trim();
}
