"""Search texts: what is found by which words, without a database."""

import pytest

from core.search import EXACT, INSIDE, PREFIX, rank_of, search_text, words_of

TEXT = search_text("S-0001", "云锦纺织１＃配电房", "Yunjin Textile No. 1")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("s-0001", EXACT),
        ("云锦", PREFIX),
        ("yunjinf", PREFIX),
        ("YJ", PREFIX),
        ("Textile", EXACT),
        ("ｙｊ", PREFIX),
        ("纺织", INSIDE),
        ("fangzhi", INSIDE),
        ("1#pdf", INSIDE),
        ("0001", INSIDE),
    ],
)
def test_names_codes_pinyin_initials_and_full_width_find(typed: str, expected: int) -> None:
    words = words_of(typed)
    assert all(word in TEXT for word in words)
    assert rank_of(words, TEXT) == expected


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("重庆路", "chongqinglu", "cql"),
        ("重要负荷", "zhongyaofuhe", "zyfh"),
        ("绿地", "lvdi", "ld"),
        ("长沙 10kV", "changsha10kv", "cs10kv"),
    ],
)
def test_a_character_of_two_sounds_is_read_in_its_word(
    name: str, pinyin: str, initials: str
) -> None:
    assert {pinyin, initials} <= set(search_text(name).split())


def test_nothing_has_no_text_and_needs_no_words() -> None:
    assert search_text("", "") == ""
    assert words_of(None) == words_of(" \0 ") == []
    assert len(words_of("a b c d e f g h")) == 6
