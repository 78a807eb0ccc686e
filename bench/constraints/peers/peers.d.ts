/**
 * @module Types of the peers' interfaces, as far as this benchmark uses them: `npm run check` must work without
 * bench/constraints/peers/node_modules, which only a run of the benchmark installs.
 */

declare module '@huggingface/transformers-structured-output' {
  export class StructuredOutputProcessor extends Array {
    static warmup(tokenizer: object): void;
    constructor(tokenizer: object, format: { readonly type: 'json_schema'; readonly json_schema: unknown });
  }
}

declare module '@mlc-ai/web-xgrammar' {
  // biome-ignore lint/complexity/noStaticOnlyClass: it is the class of the package
  export class TokenizerInfo {
    static createTokenizerInfo(
      tokens: readonly string[],
      type: 'byte_level',
      prependsSpace: boolean,
      vocabSize: number,
      stopTokens: readonly number[],
    ): Promise<TokenizerInfo>;
  }

  export class CompiledGrammar {
    dispose(): void;
  }

  export class GrammarCompiler {
    static createGrammarCompiler(tokenizer: TokenizerInfo, caches: boolean): Promise<GrammarCompiler>;
    compileJSONSchema(
      schema: string,
      anyWhitespace: boolean,
      indent: undefined,
      separators: undefined,
      strictMode: boolean,
    ): Promise<CompiledGrammar>;
  }

  export class GrammarMatcher {
    static createGrammarMatcher(grammar: CompiledGrammar): Promise<GrammarMatcher>;
    getNextTokenBitmask(): Promise<Int32Array>;
    acceptToken(token: number): boolean;
    reset(): void;
    dispose(): void;
  }
}
