"""Tables in the shapes that people have them in."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.core.errors import ImportFailed
from studio.core.results.projects import Reject
from studio.core.types import ImportOptions
from studio.data.importers import ImportRequest, Row, importer_for
from studio.data.importers.pages import chunks, pages
from studio.modalities import modalities_named

TEXTS = ImportRequest(modalities=modalities_named(["text"]))
IMAGES = ImportRequest(modalities=modalities_named(["image"]))
EXPECTED = [("one, two", "a"), ("drei\nvier", "b")]


def taken(path: Path, request: ImportRequest = TEXTS) -> tuple[list[Row], list[Reject]]:
    rows = list(importer_for(str(path)).rows(str(path), request))
    return [row for row in rows if isinstance(row, Row)], [row for row in rows if isinstance(row, Reject)]


def written(root: Path, name: str, data: str | bytes, encoding: str = "utf-8") -> Path:
    path = root / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", 'text,label\n"one, two",a\n"drei\nvier",b\n'),
        ("t.csv", 'Sentence;Category\r\none, two;a\r\n"drei\nvier";b\r\n'),
        ("t.tsv", 'label\tmessage\na\tone, two\nb\t"drei\nvier"\n'),
        ("t.jsonl", '{"question": "one, two", "intent": "a"}\n\n{"question": "drei\\nvier", "intent": "b"}\n'),
        ("t.json", '[{"review": "one, two", "target": "a"}, {"review": "drei\\nvier", "target": "b"}]'),
    ],
)
def test_formats_delimiters_and_column_names_are_recognised(tmp_path: Path, name: str, data: str) -> None:
    rows, rejects = taken(written(tmp_path, name, data))
    assert [(row.content["text"], row.label) for row in rows] == EXPECTED
    assert not rejects


@pytest.mark.parametrize(
    ("name", "data", "expected", "rejected"),
    [
        ("t.tsv", "text\tlabel\nhello, world\tpos\nbye, now\tneg\nshort\n", 3, 0),
        ("t.csv", "text;label\n" + "so, so;a\n" * 10 + "one; two;b\n" + "well, then;b\n" * 3, 1, 1),
    ],
)
def test_a_ragged_row_does_not_hide_the_delimiter(tmp_path: Path, name: str, data: str, expected: int, rejected: int) -> None:
    rows, rejects = taken(written(tmp_path, name, data))
    assert {row.label for row in rows} >= {"a", "b"} or {row.label for row in rows} >= {"pos", "neg"}
    assert len(rows) >= expected and len(rejects) == rejected


def test_a_column_of_text_alone_is_not_cut_at_its_commas(tmp_path: Path) -> None:
    rows, rejects = taken(written(tmp_path, "t.csv", "text\nhello, world\nbye\n"))
    assert [row.content["text"] for row in rows] == ["hello, world", "bye"] and not rejects


def test_a_column_that_comes_late_in_jsonl_is_read(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"text {n}"}) for n in range(120)] + [json.dumps({"text": "last", "label": "a"})]
    rows, _ = taken(written(tmp_path, "t.jsonl", "\n".join(lines)))
    assert len(rows) == 121 and rows[-1].label == "a"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    rows, _ = taken(written(tmp_path, "t.csv", "text,label\nGrüße,süß\n", encoding))
    assert [(row.content["text"], row.label) for row in rows] == [("Grüße", "süß")]


def test_parquet_of_datasets_gives_class_names_and_pictures(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    table = pa.table({"image": [{"bytes": b"pixels", "path": "a.jpg"}, {"bytes": b"more", "path": None}], "label": [1, -1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), tmp_path / "t.parquet")
    rows, _ = taken(tmp_path / "t.parquet", IMAGES)
    assert [(row.content["image"], row.name, row.label) for row in rows] == [
        (b"pixels", "a.jpg", "dog"), (b"more", "row 2", None)
    ]  # fmt: skip


def test_numbers_become_texts_and_nan_means_unlabelled(tmp_path: Path) -> None:
    lines = '{"text": "a", "label": 3.0}\n{"text": "b", "label": NaN}\n{"text": "c", "label": 0}\n{"text": 7, "label": null}\n'
    rows, _ = taken(written(tmp_path, "t.jsonl", lines))
    assert [(row.content["text"], row.label) for row in rows] == [("a", "3"), ("b", None), ("c", "0"), ("7", None)]


def test_bad_rows_are_rejected_with_their_number(tmp_path: Path) -> None:
    lines = ["{", "7", '{"text": ["x"]}', "[" * 100_000, '{"text": ' + "9" * 5000 + "}", '{"text": "fine", "split": "tset"}']
    rows, rejects = taken(written(tmp_path, "t.jsonl", '{"text": "ok", "split": "dev"}\n' + "\n".join(lines)))
    assert [(row.content["text"], row.split) for row in rows] == [("ok", "val")]
    assert [reject.row for reject in rejects] == [2, 3, 4, 5, 6, 7]
    assert "'tset' is not a split" in rejects[-1].reason


def test_row_with_too_many_cells_is_rejected(tmp_path: Path) -> None:
    rows, rejects = taken(written(tmp_path, "t.csv", "text,label\nfine,a\nI came, I saw,a\n"))
    assert len(rows) == 1
    assert (rejects[0].row, rejects[0].reason) == (3, "has 3 cells, the header has 2")


@pytest.mark.parametrize(
    ("name", "data"),
    [("t.csv", "text,label\n"), ("t.csv", "text;label\n\n\n"), ("t.jsonl", "\n\n"), ("t.json", "[]")],
)
def test_table_without_rows_says_so(tmp_path: Path, name: str, data: str) -> None:
    rows, rejects = taken(written(tmp_path, name, data))
    assert not rows
    assert [(reject.file, reject.row, reject.reason) for reject in rejects] == [(name, None, "has no rows")]


def test_field_longer_than_the_csv_module_takes_is_a_row(tmp_path: Path) -> None:
    rows, _ = taken(written(tmp_path, "t.csv", "text,label\n" + "x" * 200_000 + ",a\n"))
    assert len(rows[0].content["text"]) == 200_000


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", "premise,score\nhi,3\n"),
        ("t.csv", "text,label,text\nhi,a,ho\n"),
        ("t.csv", ""),
        ("t.json", "{"),
        ("t.json", '{"text": "a"}'),
        ("t.parquet", b"PAR1" + b"\0" * 20 + b"\xff\xff\xff\x7fPAR1"),
    ],
)
def test_table_that_cannot_be_read_fails_as_a_whole(tmp_path: Path, name: str, data: str | bytes) -> None:
    with pytest.raises(ImportFailed) as refused:
        taken(written(tmp_path, name, data))
    assert refused.value.hint


def test_named_columns_are_taken_and_missing_ones_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "premise,kind\nhi,a\n")
    request = replace(TEXTS, options=ImportOptions({"text": "premise"}, label="kind"))
    assert [(row.content["text"], row.label) for row in taken(path, request)[0]] == [("hi", "a")]
    assert importer_for(str(path)).columns(str(path)) == ("premise", "kind")
    with pytest.raises(ImportFailed) as refused:
        taken(path, replace(TEXTS, options=ImportOptions({"text": "txt"})))
    assert "premise, kind" in refused.value.hint


def test_pictures_must_lie_in_the_tables_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "data", tmp_path / "secret.jpg"
    inside.mkdir()
    (inside / "a.jpg").write_bytes(b"pixels")
    outside.write_bytes(b"secret")
    paths = ["a.jpg", str(inside / "a.jpg"), "../secret.jpg", str(outside), "missing.jpg", ""]
    rows, rejects = taken(written(inside, "t.csv", "image,label\n" + "".join(f"{path},x\n" for path in paths)), IMAGES)
    assert [(row.row, row.content["image"]) for row in rows] == [(2, b"pixels"), (3, b"pixels")]
    assert [reject.row for reject in rejects] == [4, 5, 6, 7]


def test_table_called_test_is_held_out_and_one_called_train_is_not_fixed(tmp_path: Path) -> None:
    for name, split in (("test.csv", "test"), ("dev.csv", "val"), ("train.csv", None), ("mine.csv", None)):
        assert taken(written(tmp_path, name, "text\nhi\n"))[0][0].split == split


@pytest.mark.parametrize("column", ["fold", "set", "subset"])
def test_column_that_may_hold_splits_is_one_only_where_its_values_say_so(tmp_path: Path, column: str) -> None:
    said = "".join(f"text {n},{name}\n" for n, name in enumerate(("train", "dev", "test", "tset")))
    rows, rejects = taken(written(tmp_path, "splits.csv", f"text,{column}\n{said}"))
    assert [row.split for row in rows] == ["train", "val", "test"]
    assert [reject.row for reject in rejects] == [5]
    numbers = written(tmp_path, "numbers.csv", f"text,{column}\n" + "".join(f"text {n},{n % 5}\n" for n in range(200)))
    rows, rejects = taken(numbers)
    assert [row.split for row in rows] == [None] * 200 and not rejects
    named = replace(TEXTS, options=ImportOptions(split_column=column))
    assert len(taken(numbers, named)[1]) == 200


def test_numbered_folds_do_not_hide_the_column_with_the_splits(tmp_path: Path) -> None:
    rows, rejects = taken(written(tmp_path, "t.csv", "text,fold,set\na,1,train\nb,2,test\n"))
    assert [row.split for row in rows] == ["train", "test"] and not rejects


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "~nobody-of-that-name/rows.csv", "~nobody-of-that-name/x.zip"])
def test_home_folder_of_nobody_is_refused_with_the_forms(path: str) -> None:
    with pytest.raises(ImportFailed) as refused:
        importer_for(path)
    assert "folder" in refused.value.hint


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "brotli"])
def test_pages_of_a_parquet_file_are_found_whatever_it_is_written_with(version: str, compression: str) -> None:
    """The footer says what Arrow takes it to say, and the pages together the same, but for their headers."""
    table = pa.table(
        {
            "text": [f"text {n % 700} {'é' * (n % 50)}" for n in range(20_000)],
            "score": [n / 3 if n % 5 else None for n in range(20_000)],
            "tags": [["a", "b"][: n % 3] for n in range(20_000)],
            "picture": [{"bytes": bytes([n % 256]) * 20, "path": None} for n in range(20_000)],
            "when": pa.array(range(20_000), pa.timestamp("us")),
            "price": pa.array(range(20_000), pa.int64()).cast(pa.decimal128(20, 0)),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression=compression, data_page_version=version, data_page_size=4_000, row_group_size=7_000)
    data, metadata = out.getvalue(), pq.ParquetFile(out).metadata
    theirs = [metadata.row_group(g).column(c) for g in range(metadata.num_row_groups) for c in range(metadata.num_columns)]
    ours = chunks(memoryview(data))
    assert len(ours) == len(theirs) == 21
    for chunk, known in zip(ours, theirs, strict=True):
        assert (chunk.path.decode(), chunk.values) == (known.path_in_schema, known.num_values)
        assert (chunk.pages_at, chunk.dictionary_at) == (known.data_page_offset, known.dictionary_page_offset or 0)
        found = list(pages(memoryview(data), *chunk.bounds))
        headers = known.total_compressed_size - sum(page.packed for page in found)
        assert sum(page.unpacked for page in found) == known.total_uncompressed_size - headers
        assert 0 < headers < 120 * len(found)


def with_footer(footer: bytes) -> bytes:
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PAR1",
        b"PAR1\x00\x00\x00\x00PAR1",
        b"PAR1" + b"\xff" * 4 + b"PAR1",
        with_footer(b"\x49\xfc\xff\xff\xff\xff\x07"),
        with_footer(b"\x49\xfc\xc0\x84\x3d" + bytes(1_000_001)),
        with_footer(b"\x1c" * 40),
        with_footer(b"\x1e" * 40),
    ],
    ids=[
        "nothing",
        "its name",
        "no footer",
        "a footer larger than it",
        "a list larger than it",
        "millions of groups",
        "deep",
        "odd",
    ],
)
def test_what_is_no_footer_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no Parquet|early|parts|deep|kind"):
        chunks(memoryview(data))


@pytest.mark.parametrize(
    "data", [b"", b"\x15", b"\x15\xff" * 40, b"\x1c" * 40, b"\x19\x11" * 20, b"\x15\x04\x15\x14\x00" + bytes(9)]
)
def test_what_is_no_page_is_told(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"page|early|end|deep|kind"):
        list(pages(memoryview(data), 0, 40))
