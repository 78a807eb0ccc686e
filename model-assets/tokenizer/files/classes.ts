/** @module The tokenizer classes of transformers that build a tokenizer of their own. */
import { bertClass } from './bert-class.ts';
import { gptNeoxClass, qwen2Class, robertaClass } from './byte-level-classes.ts';
import { gpt2Class } from './gpt2-class.ts';
import { llamaClass } from './llama-class.ts';
import type { TokenizerClass } from './tokenizer-class.ts';
import { albertClass, camembertClass, t5Class, xlmRobertaClass, xlnetClass } from './unigram-classes.ts';

/** By name, without `Fast`. */
export const TOKENIZER_CLASSES: Readonly<Record<string, TokenizerClass>> = {
  GPT2Tokenizer: gpt2Class,
  RobertaTokenizer: robertaClass,
  BartTokenizer: robertaClass,
  GPTNeoXTokenizer: gptNeoxClass,
  Qwen2Tokenizer: qwen2Class,
  BertTokenizer: bertClass,
  // transformers has these names for the same class.
  ElectraTokenizer: bertClass,
  LayoutLMTokenizer: bertClass,
  MobileBertTokenizer: bertClass,
  SqueezeBertTokenizer: bertClass,
  T5Tokenizer: t5Class,
  AlbertTokenizer: albertClass,
  XLNetTokenizer: xlnetClass,
  CamembertTokenizer: camembertClass,
  XLMRobertaTokenizer: xlmRobertaClass,
  LlamaTokenizer: llamaClass,
};

/** transformers has these, too, with steps of their own that this converter does not know. */
export const UNSUPPORTED_CLASSES: ReadonlySet<string> = new Set(
  (
    'Albert Bart Barthez Bartpho Bert BertGeneration BertJapanese Bertweet BigBird BioGpt Blenderbot BlenderbotSmall ByT5 ' +
    'CLIP CTRL Camembert Canine Clvp CodeGen CodeLlama Cohere CpmAnt Cpm DPRQuestionEncoder Deberta DebertaV2 Dia ' +
    'Esm Esmc FNet FSMT Flaubert Funnel GPTNeoX GPTNeoXJapanese GPTSw3 Gemma Herbert LED Lasr LayoutLMv2 LayoutLMv3 ' +
    'LayoutXLM Llama Longformer Luke Lxmert MBart50 MBart MPNet MarkupLM Mgpstr MobileBert Mvp MyT5 Nllb Nougat OpenAIGPT ' +
    'PLBart Parakeet Pegasus Perceiver Phobert ProphetNet Qwen2 Qwen3_5 Rag Reformer RemBert RoCBert RoFormer ' +
    'Roberta SeamlessM4T Siglip2 Splinter T5 Tapas Udop VideoPrism Vits Wav2Vec2CTC Whisper XGLM XLM XLMRoberta XLNet'
  )
    .split(' ')
    .map((name) => `${name}Tokenizer`)
    .filter((name) => !(name in TOKENIZER_CLASSES)),
);
