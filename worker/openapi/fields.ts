/** @module What each field of a request does, in a line: the same name means the same in every contract. */

const FIELDS: Readonly<Record<string, string>> = {
  // What to continue
  model: 'The deployed one, if it is not given.',
  prompt:
    'What is continued: a text, token ids, or a list of either. An empty one is the beginning of a text.',
  inputs: 'The text that is continued, or taken apart.',
  messages: 'In place of a prompt: what they say is the prompt, a paragraph each. GPT-2 knows no roles.',
  raw: 'There is no chat template to leave out: both values mean the same.',
  truncate: 'Of the prompt, the last so many tokens.',
  add_special_tokens: 'GPT-2 adds none: both values mean the same.',
  parameters: 'How it is continued.',

  // What comes back
  stream: 'Server-sent events, as the text comes.',
  stream_options: 'What a stream tells beside its text.',
  include_usage: 'The numbers of tokens, in a last chunk.',
  include_beams: 'The beams after each step of a stream, in events of their own.',
  echo: 'The prompt before the text.',
  return_full_text: 'The prompt before the text.',
  logprobs: 'Log-probabilities of the tokens, and of so many likeliest in their place.',
  details: 'Tokens, their log-probabilities, and why the text ends.',
  decoder_input_details: 'Also the tokens of the prompt.',
  top_n_tokens: 'So many likeliest tokens in the place of each.',
  n: 'Texts for each prompt.',
  num_return_sequences: 'Texts that are returned.',
  best_of: 'Samples of which the likeliest are returned.',
  user: 'For the log.',
  watermark: 'There is none: only false is accepted.',

  cache_prompt:
    'Whether what was computed of the prompt for others may be used, and this be left to others. The answer is the same.',

  // How long
  max_tokens: 'Tokens of the text at most; with those of the prompt no more than the context.',
  max_new_tokens:
    'Tokens of the text at most. Left out: as many as context and cache have room for, up to 1,024.',
  min_tokens: 'Tokens before the text may end.',
  min_new_tokens: 'Tokens before the text may end.',
  stop: 'The text ends where one of these does or, by the contract, before it; also across tokens.',
  stop_token_ids: 'Tokens that end the text.',
  include_stop_str_in_output: 'Keeps the stop string at the end of the text.',
  ignore_eos: 'Goes on after the end-of-text token.',

  // Which search
  do_sample: 'Draws tokens instead of taking the likeliest.',
  seed: 'The same request with the same seed gives the same text. Random, if it is not given.',
  use_beam_search: "vLLM's name for a beam search with n beams.",
  num_beams: 'Beams; more than 1 is a beam search.',
  num_beam_groups: 'Groups of beams that avoid one another: diverse beam search.',
  diversity_penalty:
    'What a token costs a group for each beam of an earlier one that takes it in the same step.',
  length_penalty: 'Power of its length by which the score of a finished beam is divided.',
  early_stopping:
    'When a beam search is done: true with the first num_beams texts; "never" waits for every chance.',

  // What becomes of the scores
  temperature: 'Scores are divided by it. 0, where it is allowed, takes the likeliest token.',
  top_k: 'Draws from so many likeliest tokens; 0: from all.',
  top_p: 'Draws from the likeliest tokens that have so much probability together.',
  min_p: 'Draws from tokens that have at least this part of the likeliest one’s probability.',
  top_h: 'Draws from the likeliest tokens whose entropy is at most this part of the whole.',
  typical_p:
    'Draws from the tokens nearest to the expected information that have so much probability together.',
  epsilon_cutoff: 'Draws from tokens of at least this probability.',
  eta_cutoff: 'The same with a bound that follows the entropy.',
  repetition_penalty: 'Makes tokens that are there already less likely, above 1.',
  frequency_penalty: 'Taken from a token’s score for each time it is in the text.',
  presence_penalty: 'Taken from the score of a token that is in the text.',
  no_repeat_ngram_size: 'No run of so many tokens comes twice; 0: any may.',
  bad_words_ids: 'Runs of tokens that never come.',
  sequence_bias: 'Pairs of a run of tokens and what is added to the score of its last.',
  logit_bias: 'What is added to the scores of tokens, by id.',
  suppress_tokens: 'Tokens that never come.',
  begin_suppress_tokens: 'Tokens that do not come first.',
  allowed_token_ids: 'The only tokens that come.',
  forced_eos_token_id: 'The token, or one of several, that comes last where the length ends the text.',
  exponential_decay_length_penalty:
    'A number of tokens and a factor: after so many the end becomes likelier by it with each token.',
  renormalize_logits: 'Makes the scores probabilities again after all processors.',
  remove_invalid_values: 'Mends scores that are not finite.',
};

export function fieldDescription(name: string): string | undefined {
  return FIELDS[name];
}
