"""Writes chat.json: chats as texts and ids, by transformers' apply_chat_template.

    pip install torch==2.13.0 transformers==5.18.0
    python test/golden/make-chat-golden.py

The templates have the forms of widely used models, written for this test. The tokenizer is the embedded model's, with
the special tokens of ChatML added to it.
"""

import json
import shutil
import tempfile
from pathlib import Path

from transformers import AutoTokenizer

GOLDEN = Path(__file__).parent
CHECKPOINT = GOLDEN.parent.parent / "model-assets" / "default"

TOKENIZER_CONFIG = {
    "tokenizer_class": "GPT2Tokenizer",
    "bos_token": "<|endoftext|>",
    "eos_token": {"__type": "AddedToken", "content": "<|im_end|>"},
    "unk_token": "<|endoftext|>",
    "pad_token": None,
    "added_tokens_decoder": {
        "8191": {"content": "<|endoftext|>", "special": True},
        "8192": {"content": "<|im_start|>", "special": True},
        "8193": {"content": "<|im_end|>", "special": True},
    },
}

TEMPLATES = {
    "chatml": """{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}""",
    "chatml with a default system": """{% for message in messages %}
    {%- if loop.first and messages[0]['role'] != 'system' %}
        {{- '<|im_start|>system\nYou are a storyteller.<|im_end|>\n' }}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
""",
    "dialogpt": """{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}""",
    "blenderbot": """{% for message in messages %}{% if message['role'] == 'user' %}{{ ' ' }}{% endif %}{{ message['content'] }}{% if not loop.last %}{{ '  ' }}{% endif %}{% endfor %}{{ eos_token }}""",
    "llama 2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "llama 3": """{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}""",
    "mistral": """{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('After the optional system message, roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ ' [INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported') }}{% endif %}{% endfor %}""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "gemma": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}""",
    "alpaca": """{% if messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{% set rest = messages[1:] %}{% else %}{{ 'Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n' }}{% set rest = messages %}{% endif %}{% for m in rest %}{% if m.role == 'user' %}{{ '### Instruction:\n' ~ m.content ~ '\n\n' }}{% else %}{{ '### Response:\n' ~ m.content ~ eos_token ~ '\n\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}""",
    "vicuna": """{%- set ns = namespace(system='A chat between a curious user and an assistant.') -%}
{%- for m in messages if m.role == 'system' -%}
  {%- set ns.system = m.content -%}
{%- endfor -%}
{{ ns.system ~ ' ' }}
{%- for m in messages if m.role != 'system' -%}
  {%- if m.role == 'user' -%}
    {{ 'USER: ' ~ m.content ~ ' ' }}
  {%- else -%}
    {{ 'ASSISTANT: ' ~ m.content ~ eos_token }}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ 'ASSISTANT:' }}
{%- endif -%}""",
    "phi": """{% for message in messages %}{% if message['role'] in ['user', 'system'] %}{{'<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n'}}{% elif message['role'] not in ('user', 'system') %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "openchat": """{{ bos_token }}{% for message in messages %}{{ 'GPT4 Correct ' + message['role'].title() + ': ' + message['content'] + '<|end_of_turn|>'}}{% endfor %}{% if add_generation_prompt %}{{ 'GPT4 Correct Assistant:' }}{% endif %}""",
    "falcon": """{% for message in messages %}{% if not loop.first %}{{ '\n' }}{% endif %}{% if message['role'] == 'system' %}{{ 'System: ' }}{% elif message['role'] == 'user' %}{{ 'User: ' }}{% elif message['role'] == 'assistant' %}{{ 'Falcon: ' }}{% endif %}{{ message['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '\n' + 'Falcon:' }}{% endif %}""",
    "guanaco": """{% for m in messages %}{{ {'user': '### Human: ', 'assistant': '### Assistant: '}.get(m.role, '### ' ~ m.role | capitalize ~ ': ') }}{{ m.content | replace('\n', ' ') }}{{ '\n' }}{% endfor %}{{ '### Assistant:' if add_generation_prompt else '' }}""",
    "gpt-sw3": """{{ eos_token }}{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] }}{% else %}{{ 'Bot: ' + message['content'] }}{% endif %}{{ message['text'] }}{{ bos_token }}{% endfor %}Bot:""",
    "thinking": """{%- set ns = namespace(last=-1) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {%- set ns.last = loop.index0 %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == 'assistant' %}
        {%- set reasoning = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and reasoning %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content }}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "command": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% elif false == true %}{% set loop_messages = messages %}{% set system_message = 'default' %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% if system_message != false %}{{ '<|SYSTEM|>' + system_message + '<|END|>' }}{% endif %}{% for message in loop_messages %}{% set content = message['content'] %}{% if message['role'] == 'user' %}{{ '<|USER|>' + content.strip() + '<|END|>' }}{% elif message['role'] == 'assistant' %}{{ '<|BOT|>'  + content.strip() + '<|END|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|BOT|>' }}{% endif %}""",
    "macro": """{% macro turn(role, text, end='\n') %}[{{ role | upper }}] {{ text | trim }}{{ end }}{% endmacro %}{% for m in messages %}{{ turn(m.role, m.content) }}{% endfor %}{% if add_generation_prompt %}{{ turn('assistant', '', end='') }}{% endif %}""",
    "call": """{% macro box(title) %}<{{ title }}>{{ caller() }}</{{ title }}>{% endmacro %}{% for m in messages %}{% call box(m.role) %}{{ m.content }}{% endcall %}{% endfor %}""",
    "parts": """{% for m in messages %}{{ '<' ~ m.role ~ '>' }}{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}{% if part.type == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}{{ eos_token }}{% endfor %}""",
    "json": """{{ messages | tojson }}
{% for m in messages %}{{ m | tojson(indent=2) }}
{{ m.content | tojson }}
{% endfor %}""",
    "generation": """{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content + eos_token }}{% endgeneration %}{% else %}{{ m.role + ': ' + m.content + '\n' }}{% endif %}{% endfor %}""",
    "loop controls": """{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% if loop.index > 3 %}{% break %}{% endif %}{{ loop.index ~ '/' ~ loop.length ~ ' ' ~ m.role ~ ': ' ~ m.content ~ ' | ' }}{% endfor %}""",
    "filters": """{{ messages | map(attribute='role') | join(', ') }}; {{ messages | selectattr('role', 'equalto', 'user') | list | length }}; {{ messages | rejectattr('role', 'equalto', 'user') | map(attribute='content') | join('/') }}; {{ (messages | last).content | length }}; {{ (messages | first)['content'] | upper | lower | title }}; {{ missing | default('none') }}; {{ messages | length > 2 }}""",
    "tests": """{% for m in messages %}{{ m.content is defined }} {{ m.nothing is defined }} {{ m.content is none }} {{ m is mapping }} {{ messages is iterable }} {{ loop.index is odd }} {{ not m.tool_calls }};{% endfor %}""",
    "python values": """{{ none }} {{ true }} {{ false }} {{ 1 }} {{ 1.5 }} {{ 2.0 }} {{ [1, 'a', none, true] }} {{ {'role': messages[0].role, 'n': [1]} }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 2 ** 5 }} {{ 'ab' * 2 }} {{ 'a' ~ 1 ~ none }}{{ undefined_name }}""",
    "strings": """{% for m in messages %}{{ m.content.startswith('Tell') }} {{ m.content.endswith(('.', '!')) }} {{ m.content.split() | join('_') }} {{ m.content.split(' ', 1)[-1] }} {{ m.content[:3] }} {{ m.content[-2:] }} {{ m.content[::-1] }} {{ m.content.replace('e', '3') }} {{ m.content | capitalize }} {{ 'e' in m.content }}{{ '\n' }}{% endfor %}""",
    "white space": """
{#- A comment. -#}
    {% for m in messages %}
        {% if m.role == 'user' %}
  U: {{ m.content }}
        {% else %}
  A: {{- m.content -}}
        {% endif %}

    {% endfor %}
  end
""",
    "scopes": """{% set n = 1 %}{% for m in messages %}{% set n = n + 1 %}{% if m.role == 'system' %}{% set intro = m.content %}{% endif %}{{ n }}{{ intro }}{{ m.content }};{% endfor %}{{ n }}{{ intro }}{% for m in messages %}{% for c in ['a', 'b'] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}""",
    "rounds": """{% for m in messages %}<{{ m.role }}>{% if m.role == 'system' %}skipped{% continue %}{% endif %}{% if loop.index > 2 %}last{% break %}{% endif %}{{ m.content }}{% else %}none{% endfor %}{% for m in messages %}a{% break %}{% else %}b{% endfor %}{% for m in messages %}{% continue %}{% else %}c{% endfor %}{% for m in [] %}x{% else %}d{% endfor %}{% for m in messages %}{% for c in [1, 2, 3] %}{% if c == 2 %}{% break %}{% endif %}{{ c }}{% endfor %}{{ m.role }}{% endfor %}""",
    "equality": """{{ missing == none }} {{ none == none }} {{ 1 == '1' }} {{ '' == 0 }} {{ true == 1 }} {{ 1 == 1.0 }} {{ [1, 'a'] == [1, 'a'] }} {{ messages[0] == messages[-1] }} {{ {'a': 1} == {'a': 1} }} {{ {'a': 1} != {'a': 2} }} {{ 'a' != 'b' }} {{ missing == other }} {{ messages[0].content }}""",
    "percent": """{% for m in messages %}{{ '%s: %s|' % (m.role, m.content) }}{{ '%-9s|%9.4s|%r|%a' % (m.role, m.content, m.content, m.content) }}{{ '%d %5d %05d %+d % d %i %.3d %-6d| %d' % (loop.index, 42, -42, 7, 7, 8.9, 5, 3, true) }} {{ '%x %X %#x %o %#o %c %c' % (255, 255, 255, 8, 8, 65, 'é') }} {{ '%f %.2f %8.3f %08.1f %.0f %.0f %e %.2E %g %g %g %g %#g %F' % (1.5, 2.345, -2.5, -2.5, 0.5, 1.5, 12345.678, 0.00012, 0.0001, 0.00001, 1234567.0, 100000.0, 1.5, 1) }} {{ '%(role)s=%(content)5.1s%%' % m }} {{ '%s' % none }} {{ '%s' % [1, 'a'] }} {{ '%s %s' | format(m.role, 1) }} {{ '%(a)s' | format(a=m.role) }} {{ '%*d|%-*d|%.*f' % (5, 1, 4, 2, 1, 2.25) }}{{ '\n' }}{% endfor %}""",
    "percent without enough": """{% if messages | length > 2 %}{{ '%s %s' % messages[0].role }}{% else %}{{ messages[0].content }}{% endif %}""",
    "percent with too much": """{% if messages | length > 2 %}{{ 'a' % messages[0].role }}{% else %}{{ messages[0].content }}{% endif %}""",
    "set blocks": """{% set intro %}{% for m in messages if m.role == 'system' %}{{ m.content }} {% endfor %}{% endset %}{{ intro | trim }}|{% filter upper %}{{ messages[-1].content }}{% endfilter %}|{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}{% for a in [] %}x{% else %}nothing{% endfor %}""",
}

CHATS = [
    [{"role": "user", "content": "Tell me a story."}],
    [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Tell me a story."},
    ],
    [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi! How are you?"},
        {"role": "user", "content": "Tell me\na story."},
    ],
    [
        {"role": "system", "content": " Speak of cats.  "},
        {"role": "user", "content": "  Zoë said “hé!” 🐈 "},
        {"role": "assistant", "content": "<think>\n\nA cat?\n</think>\n\nA cat <|endoftext|> sat.\n"},
        {"role": "user", "content": "\tAnd <|im_start|>then'?\n"},
        {"role": "assistant", "content": "Then it \"slept\" \\ in the sun.  "},
    ],
    [{"role": "user", "content": ""}, {"role": "assistant", "content": "Once upon a time "}],
]

OPTIONS = [
    {"add_generation_prompt": True},
    {"add_generation_prompt": False},
    {"continue_final_message": True},
]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ["vocab.json", "merges.txt", "config.json"]:
            shutil.copy(CHECKPOINT / name, folder)
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG))
        tokenizer = AutoTokenizer.from_pretrained(folder)
        rows = [row_of(tokenizer, *case) for case in cases()]
        variables = tokenizer.special_tokens_map
    golden = {
        "tokenizer_config": TOKENIZER_CONFIG,
        "special_tokens": variables,
        "templates": TEMPLATES,
        "chats": CHATS,
        "rows": rows,
    }
    rows = golden.pop("rows")
    # A row a line.
    text = json.dumps(golden, ensure_ascii=False, indent=1).removesuffix("\n}")
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    (GOLDEN / "chat.json").write_text(f'{text},\n "rows": [\n{lines}\n]\n}}\n')
    print(len(rows), "rows,", sum("error" in row for row in rows), "errors")


def cases():
    for template in TEMPLATES:
        for chat in range(len(CHATS)):
            for options in OPTIONS:
                if "continue_final_message" in options and CHATS[chat][-1]["role"] == "user":
                    continue
                yield template, chat, options


def row_of(tokenizer, template, chat, options):
    row = {"template": template, "chat": chat, "options": options}
    arguments = {"chat_template": TEMPLATES[template], **options}
    try:
        text = tokenizer.apply_chat_template(CHATS[chat], tokenize=False, **arguments)
    except Exception as error:
        return {**row, "error": str(error).split("!")[0][:80]}
    ids = tokenizer.apply_chat_template(CHATS[chat], return_dict=False, **arguments)
    return {**row, "text": text, "ids": ids}


main()
