/** @module The side of @mlc-ai/web-xgrammar. */
import { createRequire } from 'node:module';
import type { CompiledGrammar, GrammarMatcher } from '@mlc-ai/web-xgrammar';
import { END_TOKEN, isSet, type LoadSide, type SchemaSide } from '../side.ts';

/** The package does not show its memory: it is taken from the instance that it makes. */
let memory: WebAssembly.Memory | undefined;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = (async (...args: Parameters<typeof instantiate>) => {
  const result = (await instantiate(...args)) as
    | WebAssembly.WebAssemblyInstantiatedSource
    | WebAssembly.Instance;
  const { exports } = 'instance' in result ? result.instance : result;
  memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory) ?? memory;
  return result;
}) as typeof instantiate;

/** In Node, the package is loaded as a module, but it is a script: it expects these, and sets a global. */
const require = createRequire(import.meta.url);
Object.assign(globalThis, { require, __filename: import.meta.filename, __dirname: import.meta.dirname });
await import('@mlc-ai/web-xgrammar');
const {
  GrammarCompiler,
  GrammarMatcher: Matcher,
  TokenizerInfo,
} = (globalThis as unknown as { xgrammar: typeof import('@mlc-ai/web-xgrammar') }).xgrammar;

export const load: LoadSide = async (tokens) => {
  const names = tokens.map((bytes, i) => (i === END_TOKEN ? '<|endoftext|>' : byteLevelName(bytes)));
  const info = await TokenizerInfo.createTokenizerInfo(names, 'byte_level', false, names.length, [END_TOKEN]);
  // With a cache, the memory would be that of all schemas.
  const compiler = await GrammarCompiler.createGrammarCompiler(info, false);
  return {
    async compile(schema) {
      // As in MaskBench: any white space, and keys that the schema does not name unless it forbids them.
      const grammar = await compiler.compileJSONSchema(
        JSON.stringify(schema),
        true,
        undefined,
        undefined,
        false,
      );
      return sideOf(grammar, await Matcher.createGrammarMatcher(grammar));
    },
    get outsideBytes() {
      return memory?.buffer.byteLength ?? 0;
    },
  };
};

function sideOf(grammar: CompiledGrammar, matcher: GrammarMatcher): SchemaSide {
  let mask: Int32Array | undefined;
  return {
    restart: () => matcher.reset(),
    async makeMask() {
      mask = await matcher.getNextTokenBitmask();
    },
    allows: (token) => mask !== undefined && isSet(mask, token),
    mayEnd: () => mask !== undefined && isSet(mask, END_TOKEN),
    read(token) {
      if (!matcher.acceptToken(token))
        throw new Error(`the mask allows token ${token}, but it cannot follow`);
    },
    dispose() {
      matcher.dispose();
      grammar.dispose();
    },
  };
}

/** GPT-2's characters for bytes: those that cannot be seen are beyond 256, in their order. */
const CHARACTERS = byteCharacters();

function byteCharacters(): string[] {
  let beyond = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isSeen = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(isSeen ? byte : beyond++);
  });
}

const byteLevelName = (bytes: Uint8Array) => Array.from(bytes, (byte) => CHARACTERS[byte]).join('');
