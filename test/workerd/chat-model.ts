/** @module Models with chat templates in its manifest: no other file of a model depends on them. */
import { env } from 'cloudflare:workers';
import type { Manifest } from '../../model-assets/format/manifest.ts';
import { CHATML } from '../support/chats.ts';

/** As DialoGPT's. */
export const JOINED = '{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}';

export const EOS = '<|endoftext|>';

/** The assets of a model with these templates, by name. */
export function chatAssets(
  templates: Readonly<Record<string, string>> = { default: CHATML },
  model = 'default-int8',
): Fetcher {
  const fetch: Fetcher['fetch'] = async (input) => {
    const path = new URL(String(input)).pathname;
    const response = await env.ASSETS.fetch(`http://assets/${model}${path}`);
    if (path !== '/manifest.json') return response;
    const manifest = await response.json<Manifest>();
    return Response.json({ ...manifest, chat: { templates, special_tokens: { eos_token: EOS } } });
  };
  return { ...env.ASSETS, fetch };
}
