/** @module Everyone who is measured. */
import type { Precision } from '../../model-assets/format/manifest.ts';
import { missingChromium, startChromiumPeer } from './browser/chromium-peer.ts';
import { ensureInstalled } from './browser/install.ts';
import { startNodePeer } from './node-peer.ts';
import type { Peer } from './peer.ts';
import { missingPython, startPythonPeer } from './python-peer.ts';
import { startWorkerdPeer } from './workerd-peer.ts';

export const OURS = 'edgebeam, Node';

const always = async () => null;
const inBrowser = async () => (await missingChromium()) ?? (await ensureInstalled());

/** @param precision of ours; the others have the 8 bits that are usual with them, or none */
export function allPeers(precision: Precision): Peer[] {
  return [
    {
      name: OURS,
      precision,
      missing: always,
      start: (models) => startNodePeer('ours', models),
    },
    { name: 'edgebeam, workerd', precision, missing: always, start: startWorkerdPeer },
    {
      name: '`BeamSearch` of onnxruntime-web, Node',
      precision: 'int8',
      missing: always,
      start: (models) => startNodePeer('beam-search', models),
    },
    {
      name: 'transformers.js, Chromium',
      precision: 'q8',
      missing: inBrowser,
      start: (models) => startChromiumPeer('transformers', models),
    },
    {
      name: 'wllama, Chromium',
      precision: 'Q8_0',
      missing: inBrowser,
      start: (models) => startChromiumPeer('wllama', models),
    },
    {
      name: 'transformers, PyTorch',
      precision: 'f32',
      missing: missingPython,
      start: (models) => startPythonPeer('f32', models),
    },
    {
      name: 'transformers, PyTorch dynamic',
      precision: 'int8',
      missing: missingPython,
      start: (models) => startPythonPeer('int8', models),
    },
  ];
}
