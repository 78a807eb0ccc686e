"""Chat templates, in every place where a checkpoint has them, and what transformers renders of conversations."""

from checkpoint_parts.vocabularies import edit

DIALOGUE = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
ZEPHYR = (
    "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
)
LLAMA = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
    "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for message in loop_messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if loop.index0 == 0 and system_message != false %}"
    "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
NAMES = DIALOGUE + "{{ [bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token] | join('|') }}"
MACROS = """\
{#- A comment. -#}
{%- macro render(message, last=false) -%}
    {{- message.role | upper }}: {{ message.content | trim }}{{ '' if last else '\\n' -}}
{%- endmacro -%}
{%- set ns = namespace(count=0, seen=[]) -%}
{%- for message in messages -%}
    {%- if message.role not in ['user', 'assistant', 'system'] %}{% continue %}{% endif -%}
    {%- set ns.count = ns.count + 1 -%}
    {%- set ns.seen = ns.seen + [message.role] -%}
    {{- render(message, last=loop.last) -}}
    {%- if message.role == 'assistant' -%}{% generation %}{{ eos_token }}{% endgeneration %}{%- endif -%}
    {%- if loop.index > 6 %}{% break %}{% endif -%}
{%- endfor %}
{{ ns.count }}/{{ ns.seen | join(',') }}/{{ ns.seen | unique | list | length }}{% if bos_token is defined and bos_token is not none %} {{ bos_token }}{% endif %}
{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | tojson }}
{{ messages[-1] | tojson(indent=2) }}
{%- if add_generation_prompt %}

ASSISTANT:
{%- endif %}
"""
STRINGS = (
    "{% for m in messages %}{{ loop.index }}{{ '-' if not loop.first }}{{ m.content.split(' ')[0] }}|{{ m.content[:4] }}|{{ m.content[-3:] }}|"
    "{{ m.content.lower().startswith('he') }}|{{ m.content | length }}|{{ m.content | replace('e', '3') | title }}|{{ m['name'] | default('nobody') }}|"
    "{{ m.content.replace('o', '0', 1) }}|{{ 'a' in m.content }}|{{ m.items() | list | length }}|{{ (m.content | int) + 1 }}|"
    "{{ [3, 1, 2] | sort | reverse | list }}|{{ m.get('missing', 'none') }}|{{ m.content.rstrip() }}|{{ m.role }};\n{% endfor %}"
)

CONVERSATIONS = [
    [{"role": "user", "content": "Hello world"}],
    [{"role": "system", "content": "You are a king."}, {"role": "user", "content": " Who are you?  "}],
    [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello! <|endoftext|>"}, {"role": "user", "content": "Tell me a story.\n"}],
    [{"role": "user", "content": "你好😀\t\"quoted\" <b>&'"}, {"role": "assistant", "content": ""}],
    [{"role": "user", "content": "Once"}, {"role": "assistant", "content": "upon a "}],
    [{"role": "tool", "content": "x"}, {"role": "user", "content": "y", "name": "Ann"}],
    [{"role": "assistant", "content": "first"}, {"role": "user", "content": "then"}],
]


def measure_chats(tokenizer, names):
    """For each template, conversation and end: the text and its ids, or null where the template refuses."""
    found = []
    for name in names:
        for number, messages in enumerate(CONVERSATIONS):
            for end in ("none", "generation", "continue"):
                options = {"add_generation_prompt": end == "generation", "continue_final_message": end == "continue"}
                case = {"template": name, "conversation": number, "end": end}
                try:
                    text = tokenizer.apply_chat_template(messages, chat_template=None if name == "default" else name, tokenize=False, **options)
                    # As apply_chat_template with tokenize=True.
                    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
                except Exception as error:  # jinja2's, and ValueError
                    text = ids = None
                    case["error"] = str(error).splitlines()[0]
                found.append(case | {"text": text, "ids": ids})
    return found


def in_config(source):
    return lambda folder: edit(folder, lambda json_: json_.update(chat_template=source), "tokenizer_config.json")


def in_file(source):
    return lambda folder: (folder / "chat_template.jinja").write_text(source, encoding="utf-8")


def in_both(source, other):
    def write(folder):
        in_config(other)(folder)
        in_file(source)(folder)

    return write


def several(**sources):
    return in_config([{"name": name.replace("_", "-"), "template": source} for name, source in sources.items()])


def in_folder(source, **others):
    def write(folder):
        in_file(source)(folder)
        (folder / "additional_chat_templates").mkdir()
        for name, other in others.items():
            (folder / "additional_chat_templates" / f"{name}.jinja").write_text(other, encoding="utf-8")

    return write
