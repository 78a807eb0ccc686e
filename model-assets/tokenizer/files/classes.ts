/** @module The tokenizer classes of transformers that build a tokenizer of their own. */
import { bertClass } from './bert-class.ts';
import { codeGenClass, gptNeoxClass, qwen2Class, robertaClass } from './byte-level-classes.ts';
import { gpt2Class } from './gpt2-class.ts';
import { llamaClass, reformerClass } from './llama-class.ts';
import type { TokenizerClass } from './tokenizer-class.ts';
import {
  albertClass,
  camembertClass,
  debertaV2Class,
  t5Class,
  xlmRobertaClass,
  xlnetClass,
} from './unigram-classes.ts';

/** By name, without `Fast`. */
export const TOKENIZER_CLASSES: Readonly<Record<string, TokenizerClass>> = {
  GPT2Tokenizer: gpt2Class,
  CodeGenTokenizer: codeGenClass,
  RobertaTokenizer: robertaClass,
  // transformers has these names for the same class.
  BartTokenizer: robertaClass,
  LEDTokenizer: robertaClass,
  LongformerTokenizer: robertaClass,
  MvpTokenizer: robertaClass,
  GPTNeoXTokenizer: gptNeoxClass,
  Qwen2Tokenizer: qwen2Class,
  BertTokenizer: bertClass,
  // Likewise, or a subclass without steps of its own.
  ConvBertTokenizer: bertClass,
  DistilBertTokenizer: bertClass,
  ElectraTokenizer: bertClass,
  LayoutLMTokenizer: bertClass,
  LxmertTokenizer: bertClass,
  MobileBertTokenizer: bertClass,
  SqueezeBertTokenizer: bertClass,
  T5Tokenizer: t5Class,
  AlbertTokenizer: albertClass,
  XLNetTokenizer: xlnetClass,
  CamembertTokenizer: camembertClass,
  XLMRobertaTokenizer: xlmRobertaClass,
  DebertaV2Tokenizer: debertaV2Class,
  LlamaTokenizer: llamaClass,
  ReformerTokenizer: reformerClass,
};

/** transformers has these, too, with steps of their own that this converter does not know. */
export const UNSUPPORTED_CLASSES: ReadonlySet<string> = new Set(
  (
    'Barthez Bartpho BertGeneration BertJapanese Bertweet BigBird BioGpt Blenderbot BlenderbotSmall ByT5 CLIP CTRL Canine ' +
    'Clvp CodeLlama Cohere CpmAnt Cpm DPRContextEncoder DPRQuestionEncoder DPRReader Deberta Dia Esm Esmc FNet FSMT ' +
    'FastSpeech2Conformer Flaubert Funnel GPTNeoXJapanese GPTSw3 Gemma Herbert Lasr LayoutLMv2 LayoutLMv3 LayoutXLM ' +
    'Luke M2M100 MBart50 MBart MLuke MPNet Marian MarkupLM Mgpstr MyT5 Nllb Nougat OpenAIGPT PLBart Parakeet Pegasus ' +
    'Perceiver Phobert ProphetNet Qwen3_5 Rag RemBert RoCBert RoFormer SeamlessM4T Siglip Siglip2 Speech2Text SpeechT5 ' +
    'Splinter Tapas Tipsv2 Udop VideoPrism Vits Wav2Vec2CTC Wav2Vec2PhonemeCTC Whisper XGLM XLM'
  )
    .split(' ')
    .map((name) => `${name}Tokenizer`),
);
