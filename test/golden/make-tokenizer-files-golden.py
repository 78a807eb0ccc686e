"""Writes test/golden/tokenizer-files.json.gz: tokenizers of transformers' AutoTokenizer from random files.

    pip install transformers==5.18.0
    python test/golden/make-tokenizer-files-golden.py

All randomness is seeded. `tokenizer.json`, `vocab.json` with `merges.txt`, or both, beside random `tokenizer_config.json`,
`special_tokens_map.json` and `added_tokens.json`: which of them counts, which tokens are added with which ids, and how they
are looked for.

    texts  list of texts
    cases  files: by name, text or JSON; ids, plain, split: of each text, by default, with add_special_tokens=False and
           with split_special_tokens=True; decode: [ids, text, text with skip_special_tokens]; or error: transformers
           refuses the files
"""

import gzip
import json
import os
import random
import shutil
import tempfile
from pathlib import Path

import transformers
from transformers import AutoTokenizer

transformers.logging.set_verbosity(50)
OUTPUT = Path(__file__).parent / "tokenizer-files.json.gz"
rng = random.Random(2)
CASES = 80

def byte_symbols():
    n=0x100; out=[]
    for b in range(256):
        if 0x20<b<0x7f or (b>0xa0 and b!=0xad): out.append(chr(b))
        else: out.append(chr(n)); n+=1
    return out
SYM=byte_symbols()
EXTRA=['ab','bc','Ġa','Ġb','abc','<|endoftext|>','the','Ġthe','he','th']
MERGES=['a b','b c','Ġ a','Ġ b','ab c','h e','t he','Ġ the']
TEXTS=['','a','abc ab','<|endoftext|>Once','a<|endoftext|> b','the <s> x</s>  y',' <pad>  a<mask>b <mask> c','<MASK> the','abab<ab>ab xabc','word<w>word <w> word_<w>','a <x><xy> y','\n<s>\t<s> the','日本<s>語 é<x>É','  <|endoftext|>  ','<s','hello <tool> the TOOL <Tool>']
TOK=['<s>','</s>','<pad>','<mask>','<w>','<x>','<xy>','ab','<ab>','the','<tool>','<|endoftext|>','Once']
def added(c):
    return dict(content=c,lstrip=rng.random()<.3,rstrip=rng.random()<.3,single_word=rng.random()<.25,normalized=rng.random()<.5,special=rng.random()<.5)
cases=[]
while len(cases) < CASES:
    vocab={s:i for i,s in enumerate(SYM)}
    for e in EXTRA:
        if e=='<|endoftext|>' and rng.random()<.3: continue
        vocab[e]=len(vocab)
    if rng.random()<.5:
        for c in rng.sample(TOK,2): vocab.setdefault(c,len(vocab))
    merges=[m for m in MERGES if rng.random()<.9 and all(x in vocab for x in m.split()) and m.replace(' ','') in vocab]
    files={'config.json':{'model_type':'gpt2'}}
    form=rng.choice(['json','json','json','two','both'])
    if form!='json':
        files['vocab.json']=vocab; files['merges.txt']='#version: 0.2\n'+'\n'.join(merges)+'\n'
    if form!='two':
        norm=rng.choice([None,None,{'type':'Lowercase'},{'type':'NFKC'},{'type':'Sequence','normalizers':[{'type':'NFD'},{'type':'StripAccents'},{'type':'Lowercase'}]},{'type':'Prepend','prepend':'a'}])
        pre=rng.choice([{'type':'ByteLevel','add_prefix_space':rng.random()<.5,'trim_offsets':True,'use_regex':rng.random()<.7},
          {'type':'Sequence','pretokenizers':[{'type':'Digits','individual_digits':True},{'type':'ByteLevel','add_prefix_space':False,'trim_offsets':True,'use_regex':True}]},
          {'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':"\\p{N}{1,3}| ?\\p{L}+|\\s+"},'behavior':'Isolated','invert':False},{'type':'ByteLevel','add_prefix_space':False,'trim_offsets':True,'use_regex':False}]}])
        ats=[]; nid=len(vocab)
        for c in rng.sample(TOK,rng.randint(0,4)):
            t=added(c)
            t={'id':vocab.get(c,nid),**t}
            if c not in vocab: nid+=1
            ats.append(t)
        bos=next((c for c in vocab if c=='<|endoftext|>'),None)
        post=rng.choice([None,{'type':'ByteLevel','add_prefix_space':True,'trim_offsets':False,'use_regex':True},
          {'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'the','type_id':0}},{'Sequence':{'id':'A','type_id':0}}],'pair':[{'Sequence':{'id':'A','type_id':0}},{'Sequence':{'id':'B','type_id':1}}],'special_tokens':{'the':{'id':'the','ids':[vocab['the']],'tokens':['the']}}},
          {'type':'RobertaProcessing','sep':['the',vocab['the']],'cls':['ab',vocab['ab']],'trim_offsets':True,'add_prefix_space':False}])
        files['tokenizer.json']={'version':'1.0','truncation':None,'padding':None,'added_tokens':ats,'normalizer':norm,'pre_tokenizer':pre,'post_processor':post,'decoder':{'type':'ByteLevel','add_prefix_space':True,'trim_offsets':True,'use_regex':True},
          'model':{'type':'BPE','dropout':None,'unk_token':None,'continuing_subword_prefix':None,'end_of_word_suffix':None,'fuse_unk':False,'byte_fallback':False,'ignore_merges':rng.random()<.3,'vocab':vocab,'merges':[m.split(' ') for m in merges]}}
    if rng.random()<.85:
        cfg={}
        if rng.random()<.7: cfg['tokenizer_class']=rng.choice(['GPT2Tokenizer','GPT2TokenizerFast','PreTrainedTokenizerFast','PreTrainedTokenizerFast','TokenizersBackend','SomethingElse'])
        for k in ['bos_token','eos_token','unk_token','pad_token','sep_token','mask_token']:
            if rng.random()<.3: cfg[k]=rng.choice(TOK+[None])
            elif rng.random()<.1: cfg[k]={'__type':'AddedToken',**{x:y for x,y in added(rng.choice(TOK)).items()}}
        for k in ['add_bos_token','add_eos_token','add_prefix_space','split_special_tokens']:
            if rng.random()<.2: cfg[k]=rng.random()<.6
        if rng.random()<.3: cfg['additional_special_tokens']=rng.sample(TOK,2)
        if rng.random()<.15: cfg['extra_special_tokens']={'image_token':rng.choice(TOK)}
        if rng.random()<.4:
            cfg['added_tokens_decoder']={str(vocab.get(c,len(vocab)+i)):added(c) for i,c in enumerate(rng.sample(TOK,rng.randint(1,4)))}
        files['tokenizer_config.json']=cfg
    if rng.random()<.3:
        files['special_tokens_map.json']={k:(rng.choice(TOK) if rng.random()<.5 else {x:y for x,y in added(rng.choice(TOK)).items() if x!='special'}) for k in rng.sample(['bos_token','eos_token','pad_token','unk_token'],2)}
    if rng.random()<.2:
        files['added_tokens.json']={c:len(vocab)+i for i,c in enumerate(rng.sample(TOK,2))}
    d=tempfile.mkdtemp()
    for n,v in files.items(): open(os.path.join(d,n),'w').write(v if isinstance(v,str) else json.dumps(v))
    try:
        t=AutoTokenizer.from_pretrained(d)
        r={'ids':[t(x).input_ids for x in TEXTS],'plain':[t(x,add_special_tokens=False).input_ids for x in TEXTS],'split':[t(x,split_special_tokens=True).input_ids for x in TEXTS]}
        allids=sorted({i for l in r['ids'] for i in l}|set(range(256,len(t))))
        r['decode']=[allids,t.decode(allids),t.decode(allids,skip_special_tokens=True)]
    except Exception:
        r={'error': True}
    shutil.rmtree(d)
    cases.append({'files': files, **r})
golden = json.dumps({'texts': TEXTS, 'cases': cases}, ensure_ascii=False)
OUTPUT.write_bytes(gzip.compress(golden.encode(), mtime=0))
