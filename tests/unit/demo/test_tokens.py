"""The tokenizer knows the captions' words whole and is the same after a round trip through its files."""

from transformers import CLIPTokenizer

from marketplace.demo.recipe.domain import caption, icon_at
from marketplace.demo.recipe.tokens import MAX_TOKENS, token_ids, train_tokenizer

WORDS = "a striped purple hexagon with a gold outline on an orange background"


def test_each_word_of_a_caption_is_one_token():
    tokenizer = train_tokenizer(seed=1, captions=3_000)
    ids = tokenizer(WORDS).input_ids
    assert tokenizer.convert_ids_to_tokens(ids) == [
        "<|startoftext|>",
        *(f"{word}</w>" for word in WORDS.split()),
        "<|endoftext|>",
    ]


def test_every_caption_fits():
    tokenizer = train_tokenizer(seed=1, captions=3_000)
    assert max(len(tokenizer(caption(icon_at(2, index)[0])).input_ids) for index in range(500)) <= MAX_TOKENS


def test_unknown_words_are_spelt_and_long_texts_cut():
    tokenizer = train_tokenizer(seed=1, captions=500)
    ids = token_ids(tokenizer, ["zebra " * 40, ""])
    assert ids.shape == (2, MAX_TOKENS)
    assert tokenizer.eos_token_id not in tokenizer("Zebra", add_special_tokens=False).input_ids
    assert set(ids[1].tolist()) == {tokenizer.bos_token_id, tokenizer.eos_token_id}


def test_the_files_say_the_same(tmp_path):
    tokenizer = train_tokenizer(seed=1, captions=500)
    tokenizer.save_pretrained(tmp_path)
    assert CLIPTokenizer.from_pretrained(tmp_path)(WORDS).input_ids == tokenizer(WORDS).input_ids


def test_the_same_seed_learns_the_same():
    first, second, other = (train_tokenizer(seed=seed, captions=40).get_vocab() for seed in (1, 1, 2))
    assert first == second
    assert first != other
