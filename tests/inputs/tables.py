"""Bad tables, and texts that only look bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from studio.data.importers import MOST_ROWS
from studio.data.importers.columnar import MOST_COLUMNS
from studio.data.importers.formats import LONGEST_RECORD
from studio.data.ingest import MOST_CLASSES
from tests.inputs.archives import inner
from tests.inputs.entries import GOOD, PAIRS, PICTURES, TEXTS, Bad, file
from tests.inputs.pictures import JPEG

GOOD_ROW = "text,label\nall is well,cat\n"
GOOD_LINE = '{"text": "all is well", "label": "cat"}\n'
DEEP = "[" * 100_000 + "]" * 100_000
DIGITS = "9" * 5_000
TOO_MANY = MOST_ROWS + 1
NUMBERED = "text,label\n" + "".join(f"{n},{n}\n" for n in range(MOST_CLASSES + 1))


def parquet(
    columns: dict[str, object], change: Callable[[bytes], bytes] = lambda data: data, **options: object
) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = folder / "data.parquet"
        pq.write_table(pa.table(columns), path, **options)
        path.write_bytes(change(path.read_bytes()))
        return path

    return make


def lying_footer(data: bytes) -> bytes:
    """It says that the footer is much longer than the file."""
    return data[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1"


def with_footer(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    length = int.from_bytes(data[-8:-4], "little")
    footer = change(data[-8 - length : -8])
    return data[: -8 - length] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def longer_histogram(data: bytes) -> bytes:
    """Of one, three values: three entries where a column that may lack values has two. Arrow throws at it what no Python code
    catches, if it is asked for the column's chunk."""
    assert data.count(b"\x26\x02\x06") == 1
    return with_footer(data, lambda footer: footer.replace(b"\x26\x02\x06", b"\x36\x02\x06\0"))


def many_groups(data: bytes) -> bytes:
    """Two groups of rows with a million columns each, of three bytes a column."""
    group = b"\x19\xfc\xbf\x84\x3d" + b"\x26\0\0" * 999_999 + b"\x16\0\x16\0\0"
    return with_footer(
        data, lambda footer: b"\x15\x04" + footer[2 : footer.index(b"\x19\x1c", 4)] + b"\x19\x2c" + 2 * group + b"\0"
    )


def damaged_pages(data: bytes) -> bytes:
    """The footer is whole, and what it says of the pages is not so."""
    return data[:40] + bytes(value ^ 0x55 for value in data[40:1000]) + data[1000:]


MANY: dict[str, object] = {"text": [f"text number {n}" for n in range(2_000)]}


def dates(kind: str, *values: int) -> Callable[[Path], Path]:
    """Texts, each with a time that Python may not have."""

    def make(folder: Path) -> Path:
        import pyarrow as pa

        kinds = {"us": pa.timestamp("us"), "s": pa.duration("s"), "no zone": pa.timestamp("us", tz="No/Zone")}
        times = pa.array(values, pa.int64()).view(kinds[kind])
        return parquet({"text": [f"text {n}" for n in range(len(values))], "at": times})(folder)

    return make


def large_texts(folder: Path) -> Path:
    """A text of 4 MB that 2,000 rows share: half a megabyte that is 8 GB once it is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * 4_000_000]))
    pq.write_table(pa.table({"text": rows}), folder / "data.parquet", compression="zstd")
    return folder / "data.parquet"


def equal_rows(folder: Path) -> Path:
    """More rows than are taken, in a few kilobytes."""
    import pyarrow as pa

    rows = pa.DictionaryArray.from_arrays(pa.array(bytes(TOO_MANY), pa.int8()), pa.array(["the same"]))
    return parquet({"text": rows}, compression="zstd")(folder)


def shared_text(folder: Path) -> Path:
    """A text as long as one may be, in a million rows: a few kilobytes that are 100 GB once they are read."""
    import pyarrow as pa

    rows = pa.DictionaryArray.from_arrays(pa.array(bytes(1_000_000), pa.int8()), pa.array(["x" * 99_990]))
    return parquet({"text": rows}, compression="zstd")(folder)


def one_text(folder: Path) -> Path:
    """A text of 200 MB in a few kilobytes."""
    return parquet({"text": ["x" * 200_000_000]}, compression="zstd", use_dictionary=False)(folder)


def lying_of_size(folder: Path) -> Path:
    """The same, but that the footer says it is short."""
    import pyarrow.parquet as pq

    path = one_text(folder)
    data, said = path.read_bytes(), pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    # numbers of Thrift: seven bits a byte, the lowest first; the lie is as long as the truth
    truth, lie = (bytes((2 * n >> 7 * k & 127) | (128 if k < 4 else 0) for k in range(5)) for n in (said, 64))
    assert truth in data[footer:]
    path.write_bytes(data[:footer] + data[footer:].replace(truth, lie))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 64
    return path


def list_of_nothing(folder: Path) -> Path:
    """A row whose label is a list of 30 million times nothing."""
    import pyarrow as pa

    label = pa.ListArray.from_arrays(pa.array([0, 30_000_000], pa.int32()), pa.nulls(30_000_000, pa.int8()))
    return parquet({"text": ["a"], "label": label})(folder)


def stored(columns: Callable[[], dict[str, object]], compression: str | None = None) -> Callable[[Path], Path]:
    """A data set as `save_to_disk` writes it, if it could write such a one."""

    def make(folder: Path) -> Path:
        import pyarrow as pa

        table = pa.table(columns())
        with pa.ipc.new_stream(
            folder / "data.arrow", table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)
        ) as out:
            out.write_table(table)
        (folder / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
        (folder / "dataset_info.json").write_text("{}")
        return folder

    return make


def null_rows() -> dict[str, object]:
    import pyarrow as pa

    return {"text": pa.nulls(500 * TOO_MANY)}


def pairs(folder: Path) -> Path:
    (folder / "good.png").write_bytes(GOOD)
    (folder / "captions.csv").write_text("image,caption\ngood.png,a red picture\n../../evil.png,one that leads out\n")
    return folder


def pictures_of(*names: str) -> Callable[[Path], Path]:
    """A table beside a good picture, with a row for it and for each of these."""

    def make(folder: Path) -> Path:
        (folder / "good.png").write_bytes(GOOD)
        (folder / "bad.jpg").write_bytes(JPEG[: len(JPEG) // 2])
        (folder / "data.jsonl").write_text(
            "\n".join(json.dumps({"image": name, "label": "cat"}) for name in ("good.png", *names))
        )
        return folder / "data.jsonl"

    return make


def csv(name: str, row: str, said: str, **more: object) -> Bad:
    return Bad(name, TEXTS, file("data.csv", GOOD_ROW + row), "data.csv", said, **more)  # type: ignore[arg-type]


def jsonl(name: str, line: str, said: str, **more: object) -> Bad:
    return Bad(name, TEXTS, file("data.jsonl", GOOD_LINE + line), "data.jsonl", said, **more)  # type: ignore[arg-type]


def whole(name: str, where: str, data: Callable[[], bytes] | bytes | str, said: str) -> Bad:
    return Bad(name, TEXTS, file(where, data), where, said, fails=True)


BAD = (
    csv("NULs", "a\0b,cat\n", "NUL"),
    csv("NULs in a label", "fine,c\0at\n", "class's name"),
    csv("a field over the csv module's limit", "x" * 140_000 + ",cat\n", "at most 100,000"),
    csv("a text of 10 MB", "x" * 10_000_000 + ",cat\n", "at most 100,000"),
    csv("a label of 300 letters", "fine," + "c" * 300 + "\n", "class's name"),
    csv("a label of two lines", 'fine,"c\nat"\n', "class's name"),
    csv("a label that turns round", "fine,\u202ecat\n", "class's name"),
    csv("a row with too many cells", "I came, I saw,cat\n", "3 cells"),
    csv("a quote without its end", '"fine,cat\n' + "more,cat\n" * 20_000, "at most 100,000"),
    csv("an empty text", " ,cat\n", "empty"),
    jsonl("a line 100,000 deep", f'{{"text": {DEEP}}}\n', "nested"),
    jsonl("a number of 5,000 digits", f'{{"text": {DIGITS}}}\n', "number"),
    jsonl("NaN for a text", '{"text": NaN}\n', "empty"),
    jsonl("a list for a text", '{"text": ["a"]}\n', "where a text should be"),
    jsonl("half a surrogate pair", '{"text": "a\\ud800"}\n', "surrogate"),
    jsonl("half a line", '{"text": "a', "not JSON"),
    Bad("a split of another name", TEXTS, file("data.csv", "text,split\nhi,train\nfine,tset\n"), "data.csv", "not a split"),
    whole("JSON 100,000 deep", "data.json", DEEP, "nested"),
    whole("JSON with a number of 5,000 digits", "data.json", f'[{{"text": {DIGITS}}}]', "number"),
    whole("half of a JSON", "data.json", '[{"text": "a"', "not JSON"),
    whole("a column twice", "data.csv", "text,label,text\na,b,c\n", "more than one column"),
    whole("a column with half a surrogate pair", "data.jsonl", '{"te\\ud800xt": "a"}\n', "no column"),
    whole("0 bytes of CSV", "data.csv", b"", "empty"),
    whole("an archive called .csv", "data.csv", inner, "archive|binary"),
    whole("a picture called .csv", "data.csv", JPEG, "binary"),
    whole("a web page called .csv", "data.csv", "<!DOCTYPE html>\n<html><body>404</body></html>\n", "web page"),
    Bad("Parquet with a lying footer", TEXTS, parquet({"text": ["a"]}, lying_footer), "data.parquet", "not a Parquet", fails=True,
        bomb=True),
    Bad("Parquet whose histogram has an entry too many", TEXTS, parquet({"text": ["a", "b", None, "c"]}, longer_histogram),
        "data.parquet", "damaged", fails=True),
    Bad("Parquet with a footer of millions of columns", TEXTS, parquet({"text": ["a"]}, many_groups), "data.parquet",
        "not a Parquet", fails=True, bomb=True),
    Bad("Parquet cut off", TEXTS, parquet({"text": ["a"]}, lambda data: data[:-20]), "data.parquet", "not a Parquet", fails=True),
    Bad("Parquet with damaged pages", TEXTS, parquet(MANY, damaged_pages), "data.parquet", "damaged", fails=True),
    Bad("a time of the year 36,000", TEXTS, dates("us", 0, 2**60), "data.parquet", "a value that cannot be read"),
    Bad("a duration of an aeon", TEXTS, dates("s", 0, 2**62), "data.parquet", "a value that cannot be read"),
    Bad("a time of no known zone", TEXTS, dates("no zone", 0), "data.parquet", "a value that cannot be read", fails=None, good=0),
    whole("Parquet that is none", "data.parquet", b"PAR1" + bytes(20) + b"PAR1", "not a Parquet"),
    Bad("Parquet of large texts", TEXTS, large_texts, "data.parquet", "at most 100,000|more than", fails=None, good=0, bomb=True,
        longest_s=20),
    Bad("Parquet of millions of equal rows", TEXTS, equal_rows, "data.parquet", "has more than", fails=True, bomb=True),
    Bad("Parquet of a text that a million rows share", TEXTS, shared_text, "data.parquet", "unpacks to", fails=True, bomb=True,
        longest_s=10),
    Bad("Parquet of one text of 200 MB", TEXTS, one_text, "data.parquet", "unpacks to", fails=True, bomb=True),
    Bad("Parquet of one text whose footer says it is short", TEXTS, lying_of_size, "data.parquet", "unpacks to", fails=True,
        bomb=True),
    Bad("Parquet with a list of 30 million", TEXTS, list_of_nothing, "data.parquet", "unpacks to", fails=True, bomb=True),
    Bad("Arrow of a billion rows of nothing", TEXTS, stored(null_rows), "data.arrow", "has more than", fails=True, bomb=True),
    Bad("Arrow that is packed", TEXTS, stored(lambda: {"text": ["x" * 200_000_000]}, "zstd"), "data.arrow", "packed", fails=True,
        bomb=True),
    Bad("CSV of millions of rows", TEXTS, file("data.csv", lambda: b"text,label\n" + b"a,\n" * TOO_MANY), "data.csv",
        "has more than", fails=True, bomb=True, longest_s=10),
    Bad("JSON of millions of nothing", TEXTS, file("data.json", lambda: b"[" + b"[]," * TOO_MANY + b"{}]"), "data.json",
        "has more than", fails=True, bomb=True, longest_s=20),
    Bad("JSON with an entry of 17 MB", TEXTS,
        file("data.json", lambda: b'[{"text": "a"}, {"text": [' + b"[]," * (LONGEST_RECORD // 3) + b"0]}]"), "data.json", "16 MB",
        fails=True, bomb=True, longest_s=20),
    Bad("JSONL with a line of 17 MB", TEXTS,
        file("data.jsonl", lambda: b'{"text": "a"}\n{"text": [' + b"[]," * (LONGEST_RECORD // 3) + b"0]}"), "data.jsonl", "16 MB",
        bomb=True),
    whole("JSON with quotes that do not end", "data.json", '["' + r'\"' * 200_000, "not JSON"),
    whole("CSV of too many columns", "data.csv", ",".join(f"c{n}" for n in range(MOST_COLUMNS + 1)) + "\n1\n", "columns"),
    whole("JSONL of too many columns", "data.jsonl", json.dumps({f"c{n}": n for n in range(MOST_COLUMNS + 1)}), "columns"),
    whole("CSV whose labels are numbers of rows", "data.csv", NUMBERED, "names 25,001 classes"),
    Bad("a caption's picture that leads out", PAIRS, pairs, "captions.csv", "leads out"),
    Bad("a picture that leads out", PICTURES, pictures_of("/etc/passwd"), "data.jsonl", "outside"),
    Bad("a picture called by a NUL", PICTURES, pictures_of("a\0b.png"), "data.jsonl", "cannot be opened"),
    Bad("a picture with a very long name", PICTURES, pictures_of("a" * 100_000), "data.jsonl", "cannot be opened"),
    Bad("a picture cut off", PICTURES, pictures_of("bad.jpg"), "data.jsonl", "truncated"),
)  # fmt: skip

TEXTS_THAT_STAY = (
    "=HYPERLINK(\"http://example.org\",\"open\")", "+1", "-1", "@SUM(1)", "'tis",
    "<img src=x onerror=alert(1)>", "[open](javascript:alert(1))", "\u202eturned round", "\u0645\u0631\u062d\u0628\u0627",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "two\nlines", "a \"quoted\" word", "a,b;c\td|e", "cafe\u0301",
)  # fmt: skip

LABELS_THAT_STAY = (
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "\u0915\u094d\u200d\u0937",
    "=1+1",
    "<b>",
)
"""Among them words whose letters a sign of no width keeps apart or together."""
