"""Writes foreign/tensorflow with TensorFlow: the base as OpenAI published GPT-2, with the state of an optimizer.

pip install tensorflow-cpu==2.21.0; then python test/golden/make-tensorflow-golden.py (after make-gguf-golden.py)
"""

import json
import re
import shutil

import tensorflow as tf

from foreign_base import FOLDER, MERGES, byte_symbols, digest, make_model, tensors_of, write_json

SUFFIXES = {"weight": "w", "bias": "b"}


def tensorflow_name(name):
    """h.0.attn.c_attn.weight -> model/h0/attn/c_attn/w"""
    module, _, parameter = name.rpartition(".")
    path = "model/" + re.sub(r"^h\.(\d+)\.", r"h\1.", module).replace(".", "/")
    if module in ("wte", "wpe"):
        return path
    return f"{path}/{'g' if re.search(r'ln_.$', module) and parameter == 'weight' else SUFFIXES[parameter]}"


def main():
    folder = FOLDER / "tensorflow"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    model = make_model()
    config = model.config
    tf.compat.v1.disable_eager_execution()
    digests = {}
    with tf.compat.v1.Session() as session:
        for name, tensor in tensors_of(model).items():
            values = tensor.numpy()
            is_kernel = tensor.dim() == 2 and name not in ("wte.weight", "wpe.weight")
            tf.compat.v1.get_variable(tensorflow_name(name), initializer=values[None] if is_kernel else values)
            digests[name] = digest(tensor)
        tf.compat.v1.get_variable("model/wpe/Adam", initializer=tf.zeros([4, 4]))
        tf.compat.v1.get_variable("beta1_power", initializer=0.9)
        tf.compat.v1.get_variable("global_step", initializer=tf.constant(7, tf.int64))
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(save_relative_paths=True)
        saver.save(session, str(folder / "model.ckpt"), write_meta_graph=False)
    symbols = [*byte_symbols(), *("".join(pair) for pair in MERGES), "<|endoftext|>"]
    encoder = {symbol: id for id, symbol in enumerate(symbols)}
    (folder / "encoder.json").write_text(json.dumps(encoder))
    merges = "".join(" ".join(pair) + "\n" for pair in MERGES)
    (folder / "vocab.bpe").write_text("#version: 0.2\n" + merges, encoding="utf-8")
    sizes = {"n_vocab": config.vocab_size, "n_ctx": config.n_positions}
    sizes |= {"n_embd": config.n_embd, "n_head": config.n_head, "n_layer": config.n_layer}
    (folder / "hparams.json").write_text(json.dumps(sizes))
    write_json(FOLDER / "tensorflow.json", digests)


if __name__ == "__main__":
    main()
